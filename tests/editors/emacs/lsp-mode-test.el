;;; lsp-mode-test.el --- The package under lsp-mode, with clangd and a model  -*- lexical-binding: t -*-

;;; Code:

(require 'support)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
(package-initialize)
(require 'lsp-mode)
(require 'lsp-clangd)
(require 'lsp-completion)
(require 'company)
(require 'agent (expand-file-name "agent" (file-name-directory load-file-name)))

(setq lsp-auto-guess-root t
      lsp-restart 'ignore
      lsp-enable-snippet nil
      lsp-session-file (expand-file-name "lsp-session" test-home)
      lsp-server-install-dir (expand-file-name "lsp-servers" test-home)
      lsp-warn-no-matched-clients nil
      lsp-auto-configure nil
      lsp-enable-file-watchers nil
      company-backends '(company-capf)
      company-idle-delay nil
      lsp-clients-clangd-args '("--background-index=0" "--log=error"))
(strop-mode 1)
(lsp-workspace-folders-add (directory-file-name test-project))

(defun open-file (file mode)
  "Have lsp-mode take FILE in MODE."
  (find-file file)
  (funcall mode)
  (lsp)
  (await "the agent's status" strop--status)
  (lsp-completion-mode 1)
  (company-mode 1))

(defun complete-the-only () (keys "M-x company-complete RET"))
(defun complete-display-order () (keys "M-x company-complete RET <down> RET"))

(ert-deftest lsp-mode-asks-nothing-behind-wide-characters ()
  (on-a-new-line)
  (open-file (project-file "wide.txt" "narrow" "wide😀") #'text-mode)
  (end-of-line)
  (keys "M-x strop-ghost-complete RET")
  (should strop-ghost--cancel)
  (forward-line)
  (end-of-line)
  (keys "M-x strop-ghost-complete RET")
  (should-not strop-ghost--cancel)
  (kill-buffer))

(ert-deftest lsp-mode-finds-the-server-not-the-agent ()
  (should (equal (lsp-resolve-final-function '("clangd" "-x")) (list test-agent "--" "clangd" "-x")))
  (should (lsp-server-present? (lsp-resolve-final-function '("clangd"))))
  (should-not (lsp-server-present? (lsp-resolve-final-function '("no-such-server")))))

(ert-deftest lsp-mode-says-that-inline-completions-are-welcome ()
  (let ((capabilities (lsp--client-capabilities)))
    (should (equal (alist-get 'inlineCompletion (alist-get 'textDocument capabilities))
                   '((dynamicRegistration . :json-false))))
    (should (alist-get 'completion (alist-get 'textDocument capabilities)))
    (strop-mode -1)
    (unwind-protect
        (progn
          (should-not (alist-get 'inlineCompletion (alist-get 'textDocument (lsp--client-capabilities))))
          (should (equal (lsp-resolve-final-function '("clangd")) '("clangd"))))
      (strop-mode 1))))

;;; lsp-mode-test.el ends here
