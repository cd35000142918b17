;;; support.el --- What the tests of the Emacs package share  -*- lexical-binding: t -*-

;;; Commentary:

;; A home of the test's own, a model server in this very Emacs, keys that go through the real keymaps and hooks, and what
;; `strop-agent inspect' then holds.  STROP_BIN_DIR names the folder of the programs.
;;
;; Nothing sleeps: what is waited for is polled, with a deadline.

;;; Code:

(require 'cl-lib)
(require 'ert)
(require 'json)
(require 'subr-x)

(defconst test-source (expand-file-name "../../.." (file-name-directory load-file-name)))
(defconst test-agent (expand-file-name "strop-agent" (getenv "STROP_BIN_DIR")))
(defconst test-home (make-temp-file "strop-emacs" t))
(defconst test-project (expand-file-name "project/" test-home))
(defvar test-patience 60 "Seconds after which what is waited for will not come.")

(add-hook 'kill-emacs-hook (lambda () (delete-directory test-home t)))
(make-directory test-project)
(make-directory (expand-file-name ".git" test-project))
(setenv "HOME" test-home)
(setenv "XDG_CONFIG_HOME" (expand-file-name "config" test-home))
(setenv "XDG_STATE_HOME" (expand-file-name "state" test-home))
(setenv "XDG_CACHE_HOME" (expand-file-name "cache" test-home))
(setq user-emacs-directory (expand-file-name "emacs/" test-home)
      make-backup-files nil
      create-lockfiles nil
      auto-save-default nil
      vc-handled-backends nil
      native-comp-deferred-compilation nil)

(add-to-list 'load-path (expand-file-name "editor-extensions/emacs" test-source))
(setq load-prefer-newer t)

(defmacro await (what &rest body)
  "Wait until BODY is non-nil and return it; fail with WHAT if it never is."
  (declare (indent 1))
  `(test--await ,what (lambda () ,@body)))

(defun test--await (what holds)
  (let ((end (+ (float-time) test-patience))
        result)
    (while (and (not (setq result (funcall holds))) (< (float-time) end))
      (accept-process-output nil 0.02))
    (or result (ert-fail (list 'waited-in-vain-for what (buffer-string))))))

(defun keys (text)
  "Have the command loop take TEXT, in the notation of `kbd'."
  (should (eq (current-buffer) (window-buffer)))
  (execute-kbd-macro (kbd text)))

(defun type (text)
  "Type TEXT, one character after the other, as a person would."
  (dolist (char (append text nil))
    (execute-kbd-macro (vector char))
    (accept-process-output nil 0.005)))

(defun configure (&rest lines)
  "Make LINES the agent's configuration."
  (let ((file (expand-file-name "config/strop/agent.toml" test-home)))
    (make-directory (file-name-directory file) t)
    (with-temp-file file (insert (string-join lines "\n") "\n"))))

(defun project-file (name &rest lines)
  "Write LINES to the file NAME of the project and return its path."
  (let ((file (expand-file-name name test-project)))
    (make-directory (file-name-directory file) t)
    (with-temp-file file (insert (string-join lines "\n") "\n"))
    file))

;;; What the agent keeps

(defun run-agent (&rest arguments)
  "Run the agent with ARGUMENTS and return its output."
  (with-temp-buffer
    (let ((code (apply #'call-process test-agent nil '(t nil) nil arguments)))
      (unless (eql code 0) (ert-fail (list 'strop-agent arguments code (buffer-string))))
      (buffer-string))))

(defun events ()
  "Return the events that were captured, in order, as alists; of a suggestion, its id is unique."
  (let ((records (alist-get 'records (json-parse-string (run-agent "inspect" "--json") :object-type 'alist))))
    (delq nil (seq-map (lambda (record)
                         ;; A gap is no event.
                         (when-let ((event (ignore-errors
                                             (json-parse-string (alist-get 'bytes record) :object-type 'alist))))
                           (setf (alist-get 'suggestion event)
                                 (concat (alist-get 'epoch record) " " (alist-get 'suggestion event)))
                           event))
                       records))))

(defun of-type (type)
  "Return the events of TYPE."
  (seq-filter (lambda (event) (equal (alist-get 'type event) type)) (events)))

(defun field (event &rest names)
  "Return what EVENT has under NAMES, one in the other."
  (dolist (name names event) (setq event (alist-get name event))))

(defun offered-as (text)
  "Return the id of the suggestion that offers TEXT last."
  (field (car (last (seq-filter (lambda (event)
                                  (seq-some (lambda (one) (equal (field one 'text) text)) (field event 'candidates)))
                                (of-type "offered"))))
         'suggestion))

(defun outcome-of (text)
  "Wait for the outcome of the suggestion that offers TEXT, and return it."
  (await (format "the outcome of %S" text)
    (seq-find (lambda (event) (equal (field event 'suggestion) (offered-as text))) (of-type "outcome"))))

(defun should-come-out (text &rest fields)
  "Check that the suggestion of TEXT comes out with FIELDS, a plist by name."
  (let ((outcome (outcome-of text)))
    (cl-loop for (name value) on fields by #'cddr
             do (should (equal (list text name (field outcome name)) (list text name value))))))

;;; A model server

(defvar model-answers nil "What it completes with: texts, or a function of the request.")
(defvar model-requests nil "What it was asked, the newest first.")

(defun model--take (process bytes)
  "Answer in PROCESS once its request is there with BYTES."
  (let ((got (concat (process-get process 'got) bytes)))
    (process-put process 'got got)
    (when-let* ((head (string-search "\r\n\r\n" got))
                (body (substring got (+ head 4)))
                (length (if (string-match "^Content-Length: *\\([0-9]+\\)" got)
                            (string-to-number (match-string 1 got))
                          0))
                ((>= (length body) length)))
      (process-put process 'got "")
      (let* ((request (json-parse-string (decode-coding-string body 'utf-8) :object-type 'alist))
             (texts (if (functionp model-answers) (funcall model-answers request) model-answers))
             (answer (encode-coding-string
                      (json-serialize
                       `((model . "tiny") (choices . ,(vconcat (mapcar (lambda (text) `((text . ,text))) texts)))))
                      'utf-8)))
        (push request model-requests)
        (process-send-string process (format "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                                             (length answer) answer))))))

(defun model-start ()
  "Start the model server and return its URL."
  (let ((server (make-network-process :name "model" :server t :host 'local :service t :family 'ipv4 :noquery t
                                      :coding 'binary :filter #'model--take)))
    (format "http://127.0.0.1:%d" (process-contact server :service))))

(provide 'support)
;;; support.el ends here
