;;; eglot-test.el --- The package under eglot, with clangd and a model  -*- lexical-binding: t -*-

;;; Code:

(require 'support)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
(package-initialize)
(require 'eglot)
(require 'agent (expand-file-name "agent" (file-name-directory load-file-name)))

(setq eglot-sync-connect 30
      eglot-autoreconnect nil
      eglot-confirm-server-initiated-edits nil
      eglot-server-programs
      '((c++-mode . ("clangd" "--background-index=0" "--log=error"))
        (sh-mode . (lambda (&rest _) '("some-server" "-x")))
        (css-mode . ("localhost" 7))))
(strop-mode 1)

(defun open-file (file mode)
  "Have eglot take FILE in MODE."
  (find-file file)
  (funcall mode)
  (call-interactively #'eglot)
  (await "the agent's status" strop--status))

(defun complete-the-only () (keys "C-M-i"))

(defun complete-display-order ()
  (keys "C-M-i")                        ; to what is common to two
  (should (looking-back "w\\.display_" nil))
  (type "o")
  (keys "C-M-i"))

(ert-deftest eglot-accept-a-word-behind-wide-characters ()
  (type-and-see "wide 😀𝒳: " "𝒳wo 😀 more")
  (keys "M-f")
  (should (equal (line) "wide 😀𝒳: 𝒳wo"))
  (should (equal (ghost) " 😀 more"))
  (look-for-a-while)
  (keys "! RET")
  (should-come-out "𝒳wo 😀 more" 'outcome "partial" 'evidence "editor" 'accepted_chars 4))

;; Whatever any process says ends eglot's wait, too.
(ert-deftest eglot-shows-a-refusal-that-it-does-not-wait-for ()
  (let ((eglot-sync-connect nil))
    (should-show-a-refusal "refused-later/a.txt")))

(ert-deftest eglot-wraps-commands-and-nothing-else ()
  (let ((agent (list test-agent "--")))
    (should (equal (strop-eglot--wrap '("clangd" "-x")) (append agent '("clangd" "-x"))))
    (should (equal (funcall (strop-eglot--wrap (lambda (&rest _) '("clangd"))) nil) (append agent '("clangd"))))
    (should (equal (strop-eglot--wrap '("localhost" 7)) '("localhost" 7)))
    (should (equal (strop-eglot--wrap '("server" "--port" :autoport)) '("server" "--port" :autoport)))
    (should (equal (strop-eglot--wrap '(:process ignore)) '(:process ignore)))))

(ert-deftest eglot-is-as-it-was-without-the-mode ()
  (strop-mode -1)
  (unwind-protect
      (progn
        (should-not (advice-member-p #'strop-eglot--connect 'eglot--connect))
        (should-not (memq #'strop-buffer-managed eglot-managed-mode-hook))
        (should-not (rassq #'strop-eglot--alone-contact eglot-server-programs)))
    (strop-mode 1))
  (should (advice-member-p #'strop-eglot--connect 'eglot--connect)))

;;; eglot-test.el ends here
