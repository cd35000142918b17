;;; terminal-test.el --- Ghost text on the screen of a real Emacs in a terminal  -*- lexical-binding: t -*-

;;; Commentary:

;; The other tests have no screen and no keyboard.  Here an Emacs runs in a terminal, with eglot and the agent alone:
;; what it draws comes here, keys go there as bytes, timers and idle time are its own.

;;; Code:

(require 'support)

(defvar screen "" "What the other Emacs has drawn.")
(defvar terminal nil "The other Emacs.")

(defconst init
  '(progn
     (add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
     (package-initialize)
     (require 'eglot)
     (require 'strop)
     (setq strop-alone-modes '(text-mode) eglot-sync-connect 30 inhibit-startup-screen t)
     (strop-mode 1)
     (add-hook 'text-mode-hook #'eglot-ensure)))

(defun draws (text)
  "Wait until TEXT is drawn."
  (await (list text (substring screen (max 0 (- (length screen) 2000))))
    (string-match-p (regexp-quote text) screen)))

(defun press (bytes) (setq screen "") (process-send-string terminal bytes))

(ert-deftest terminal-shows-accepts-and-dismisses ()
  (setq model-answers (lambda (request)
                        (let ((prompt (alist-get 'prompt request)))
                          (cond ((string-suffix-p "first " prompt) '("offered text"))
                                ((string-suffix-p "second " prompt) '("unwanted words"))))))
  (configure "mode = \"full\"" "[privacy]" (format "workspaces = [\"%s\"]" (directory-file-name test-project))
             "[provider]" (format "url = \"%s\"" (model-start)))
  (let ((file (project-file "terminal.txt" ""))
        (process-environment (append '("TERM=xterm" "COLUMNS=100" "LINES=30" "EMACSNATIVELOADPATH") process-environment)))
    (setq terminal
          (make-process
           :name "terminal" :connection-type 'pty :noquery t :coding 'utf-8-unix
           :command (list (expand-file-name invocation-name invocation-directory) "-nw" "-q"
                          "-L" (expand-file-name "editor-extensions/emacs" test-source)
                          "--eval" (format "(setq strop-agent-program %S)" test-agent)
                          "--eval" (prin1-to-string init)
                          file)
           :filter (lambda (_process drawn) (setq screen (concat screen drawn)))))
    (set-process-window-size terminal 30 100)
    (unwind-protect
        (progn
          (draws "Strop")                                ; the mode line: the agent has answered
          (press "first ")
          (draws "offered text")
          (press "\t")
          (should-come-out "offered text" 'outcome "accepted" 'evidence "command")
          (press "\rsecond ")
          (draws "unwanted words")
          (press "\C-g")
          (should-come-out "unwanted words" 'outcome "dismissed" 'how "explicit" 'evidence "editor")
          (press "\C-x\C-s")
          (await "the file"
            (equal (with-temp-buffer (insert-file-contents file) (buffer-string)) "first offered text\nsecond \n")))
      (delete-process terminal))))

;;; terminal-test.el ends here
