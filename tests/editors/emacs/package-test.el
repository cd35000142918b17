;;; package-test.el --- The package compiles, is documented, and finds its agent  -*- lexical-binding: t -*-

;;; Code:

(require 'support)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
(package-initialize)
(require 'checkdoc)
(require 'strop)

(defconst package-files
  (directory-files (expand-file-name "editor-extensions/emacs" test-source) t "\\`[^.].*\\.el\\'"))

(ert-deftest package-compiles-without-warnings ()
  (should (>= (length package-files) 6))
  (let ((folder (expand-file-name "compiled/" test-home)))
    (make-directory folder t)
    (dolist (file package-files) (copy-file file folder t))
    (with-temp-buffer
      (let* ((process-environment (cons "EMACSLOADPATH" process-environment))
             (code (apply #'call-process (expand-file-name invocation-name invocation-directory) nil t nil
                          "--batch" "-q" "-L" folder
                          "--eval" "(add-to-list 'package-directory-list \"/usr/share/emacs/site-lisp/elpa\")"
                          "--eval" "(package-initialize)"
                          "--eval" "(setq byte-compile-error-on-warn t)"
                          "-f" "batch-byte-compile" (directory-files folder t "\\.el\\'"))))
        (should (equal (list code (string-match-p "Error\\|Warning" (buffer-string))) '(0 nil)))))))

(ert-deftest package-has-its-documentation-in-order ()
  (let (complaints)
    (cl-letf (((symbol-function 'checkdoc-error)
               (lambda (_point message) (push message complaints) nil)))
      (dolist (file package-files)
        (with-current-buffer (find-file-noselect file)
          (ignore-errors (checkdoc-current-buffer t)))))
    (should-not complaints)))

(ert-deftest package-every-command-of-the-readme-is-one ()
  (let ((readme (expand-file-name "editor-extensions/emacs/README.md" test-source)) names)
    (require 'strop-ghost)
    (with-temp-buffer
      (insert-file-contents readme)
      (while (re-search-forward "`\\(?:M-x \\)?\\(strop-[a-z-]+\\)`" nil t) (push (match-string 1) names)))
    (should (> (length names) 10))
    (dolist (name (seq-difference names '("strop-agent")))
      (should (equal (list name t) (list name (and (or (fboundp (intern name)) (boundp (intern name))) t)))))))

;;; Where the agent is, and putting it in front

(defmacro with-agent-at (places &rest body)
  "Do BODY with executables at PLACES below the test's home, of which the folder path is on `exec-path'."
  (declare (indent 1))
  `(let* ((root (make-temp-file (expand-file-name "agents" test-home) t))
          (exec-path (list (expand-file-name "path" root)))
          (strop--folder (file-name-as-directory (expand-file-name "package" root)))
          (strop-agent-program nil)
          (strop-config-file nil))
     (dolist (place ,places)
       (let ((file (expand-file-name place root)))
         (make-directory (file-name-directory file) t)
         (write-region "#!/bin/sh\n" nil file nil 'silent)
         (set-file-modes file #o755)))
     (cl-flet ((at (place) (expand-file-name place root)))
       (ignore #'at)
       ,@body)))

(ert-deftest agent-is-looked-for-in-order ()
  (with-agent-at '("own/strop-agent" "package/bin/strop-agent" "path/strop-agent")
    (should (equal (strop-find-agent) (at "package/bin/strop-agent")))
    (let ((strop-agent-program (at "own/strop-agent")))
      (should (equal (strop-find-agent) (at "own/strop-agent")))))
  (with-agent-at '("path/strop-agent")
    (should (equal (strop-find-agent) (at "path/strop-agent")))
    (let ((strop-agent-program (at "nowhere")))
      (should-not (strop-find-agent)))))

(ert-deftest agent-that-is-nowhere-is-an-error-that-says-what-to-do ()
  (with-agent-at nil
    (should (string-match-p "set `strop-agent-program' to where it is"
                            (cadr (should-error (strop-wrap '("clangd")) :type 'user-error))))
    (let ((strop-agent-program "/nowhere/agent"))
      (should (string-match-p "/nowhere/agent, which is no program; correct it"
                              (cadr (should-error (strop-inspect) :type 'user-error)))))
    (let (warned)
      (cl-letf (((symbol-function 'display-warning) (lambda (_type text &rest _) (push text warned))))
        (should (equal (strop-wrap-or-warn '("clangd" "-x")) '("clangd" "-x")))
        (should (string-match-p "runs without the agent: there is no strop-agent; install it" (car warned)))))))

(ert-deftest agent-goes-in-front-once ()
  (with-agent-at '("path/strop-agent")
    (let ((wrapped (list (at "path/strop-agent") "--" "clangd" "--log=error")))
      (should (equal (strop-wrap '("clangd" "--log=error")) wrapped))
      (should (equal (strop-wrap wrapped) wrapped))
      (should (equal (strop-unwrap wrapped) '("clangd" "--log=error")))
      (should (equal (strop-unwrap '("clangd" "--" "x")) '("clangd" "--" "x")))
      (should (equal (strop-wrap '("pyright" :initializationOptions (:a 1)))
                     (list (at "path/strop-agent") "--" "pyright" :initializationOptions '(:a 1))))
      (let ((strop-config-file "/etc/a.toml"))
        (should (equal (strop-wrap '("clangd"))
                       (list (at "path/strop-agent") "--config" "/etc/a.toml" "--" "clangd"))))
      (let ((default-directory "/ssh:elsewhere:/"))
        (should (equal (strop-wrap-or-warn '("clangd")) '("clangd")))))))

;;; What the mode line says

(ert-deftest mode-line-says-what-is-captured ()
  (pcase-dolist (`(,status . ,lighter)
                 '((nil . "")
                   ((:mode "full" :paused :json-false :capturing "full" :rule "consent:/a") . " Strop")
                   ((:mode "full" :paused :json-false :capturing "counts" :rule "no_consent") . " Strop:counts")
                   ((:mode "full" :paused :json-false :capturing "nothing" :rule "default:.env*") . " Strop:nothing")
                   ((:mode "full" :paused t :capturing "nothing" :rule "paused") . " Strop:paused")
                   ((:mode "off") . " Strop:off")
                   ((:mode "full") . " Strop:?")))
    (let ((strop--status status))
      (should (equal (substring-no-properties (strop--lighter)) lighter))))
  (let ((strop--status '(:mode "full" :capturing "counts" :rule "no_consent")))
    (should (equal (get-text-property 0 'help-echo (strop--lighter))
                   "Strop captures counts of this file, no texts (rule no_consent)"))))

(ert-deftest commands-without-an-agent-say-what-to-do ()
  (with-temp-buffer
    (should (string-match-p "turn on strop-mode" (cadr (should-error (strop-status) :type 'user-error))))
    (should (string-match-p "go to a buffer" (cadr (should-error (strop-rate nil "x") :type 'user-error))))))

;;; package-test.el ends here
