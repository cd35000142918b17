;;; strop.el --- Hone your team's completion model from within Emacs  -*- lexical-binding: t -*-

;; Copyright (C) 2026 The Strop authors
;; SPDX-License-Identifier: Apache-2.0
;; Author: The Strop authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.2"))
;; Keywords: convenience, tools, languages
;; URL: https://github.com/strop/strop

;;; Commentary:

;; Puts strop-agent in front of the language servers that eglot or lsp-mode start, shows the completions of the team's
;; own model as ghost text, and tells the agent what only the editor knows: what was shown, accepted, dismissed.
;;
;;     (add-to-list 'load-path "…/editor-extensions/emacs")
;;     (require 'strop)
;;     (strop-mode 1)
;;
;; What is captured, kept and sent is decided by the agent and its configuration, never here.

;;; Code:

(require 'strop-server)

(declare-function strop-eglot-setup "strop-eglot")
(declare-function strop-lsp-mode-setup "strop-lsp-mode")
(declare-function strop-ghost-mode "strop-ghost")

(defgroup strop nil
  "Hone your team's completion model."
  :group 'tools
  :prefix "strop-")

(defcustom strop-agent-program nil
  "The program `strop-agent'.
Where this is nil, it is looked for beside this package, as bin/strop-agent,
and then on the variable `exec-path'."
  :type '(choice (const :tag "Look for it" nil) file))

(defcustom strop-config-file nil
  "The agent's configuration, instead of ~/.config/strop/agent.toml."
  :type '(choice (const :tag "The agent's own" nil) file))

(defcustom strop-alone-modes nil
  "Major modes that have no language server.
There eglot or lsp-mode start the agent alone, for the completions of the
provider that it is configured with."
  :type '(repeat symbol))

(defcustom strop-ghost-text t
  "Whether inline completions are shown as ghost text.
Set it to nil if another package shows them."
  :type 'boolean)

;;; The program

(defconst strop--folder (file-name-directory (or load-file-name (macroexp-file-name) default-directory))
  "Where this package is.")

(defun strop-find-agent ()
  "Return the agent's program, or nil if there is none."
  (let ((beside (expand-file-name "bin/strop-agent" strop--folder)))
    (cond (strop-agent-program (executable-find (expand-file-name strop-agent-program)))
          ((file-executable-p beside) beside)
          (t (executable-find "strop-agent")))))

(defun strop--no-agent ()
  "Return what to do where there is no agent."
  (if strop-agent-program
      (format "`strop-agent-program' is %s, which is no program; correct it, or set it to nil" strop-agent-program)
    "there is no strop-agent; install it, or set `strop-agent-program' to where it is"))

(defun strop-command (&rest arguments)
  "Return the command of the agent with ARGUMENTS."
  (append (list (or (strop-find-agent) (user-error "Strop: %s" (strop--no-agent))))
          (and strop-config-file (list "--config" (expand-file-name strop-config-file)))
          arguments))

;;;###autoload
(defun strop-wrap (command)
  "Return COMMAND, a list of strings, with the agent in front.
It is the command of a language server."
  (if (strop-server-agent-p (seq-take-while #'stringp command))
      command
    (append (strop-command "--") command)))

(defun strop-unwrap (command)
  "Return COMMAND without the agent in front."
  (if (strop-server-agent-p command) (or (cdr (member "--" command)) command) command))

(defun strop-wrap-or-warn (command)
  "Return COMMAND with the agent in front; without an agent, warn.
On a remote machine it is left as it is: the agent is here."
  (cond ((file-remote-p default-directory) command)
        ((strop-find-agent) (strop-wrap command))
        (t (display-warning 'strop (concat "A language server runs without the agent: " (strop--no-agent)))
           command)))

(defun strop-show-complaint (buffer)
  "Warn with what the agent said in BUFFER, its errors, as it refused to start."
  (when (buffer-live-p (get-buffer buffer))
    (with-current-buffer buffer
      ;; Its end may be told before its last words.
      (let ((errors (get-buffer-process buffer)))
        (while (and errors (accept-process-output errors 0.2))))
      (save-excursion
        (goto-char (point-max))
        (when (re-search-backward "^strop-agent: .*" nil t)
          (display-warning 'strop (buffer-substring-no-properties (match-beginning 0) (point-max)) :error)
          (let ((inhibit-read-only t)) (erase-buffer)))))))

;;; Status

(defvar-local strop--status nil
  "What the agent said of this buffer last.")

(defun strop--word-of (status)
  "Return in a word what STATUS means; empty: all is captured."
  (let ((capturing (strop-server-get status "capturing")))
    (cond ((null status) "?")
          ((equal (strop-server-get status "mode") "off") "off")
          ((strop-server-get status "paused") "paused")
          ((equal capturing "full") "")
          (t (or capturing "?")))))

(defun strop--lighter ()
  "Return the part of the mode line about the current buffer."
  (if (not strop--status)
      ""
    (let ((word (strop--word-of strop--status))
          (rule (strop-server-get strop--status "rule")))
      (propertize (concat " Strop" (and (not (string-empty-p word)) (concat ":" word)))
                  'help-echo (concat (strop-status-text strop--status) (and rule (format " (rule %s)" rule)))))))

(defun strop-status-text (status)
  "Return what STATUS means, in words."
  (pcase (strop--word-of status)
    ("" "Strop captures texts of this file")
    ("off" "Strop captures nothing: mode is off")
    ("paused" "Strop is paused: nothing is captured or sent until M-x strop-resume")
    ("counts" "Strop captures counts of this file, no texts")
    ("nothing" "Strop captures nothing of this file")
    (_ "Strop does not know what is captured of this file")))

(defun strop--refresh (&optional then)
  "Ask for the status of the current buffer and call THEN with it.
Show it in the mode line."
  (when-let ((server (strop-server-of-buffer))
             (buffer (current-buffer)))
    (strop-server-ask-status server
                             (lambda (status)
                               (when (buffer-live-p buffer)
                                 (with-current-buffer buffer
                                   (setq strop--status status)
                                   (force-mode-line-update))
                                 (when then (funcall then status)))))
    t))

(defun strop-buffer-managed ()
  "Begin with the current buffer that a client has just taken, or end with it."
  (let ((server (strop-server-of-buffer)))
    (cond ((null server) (setq strop--status nil))
          (t (strop--refresh)))
    (when (or server (bound-and-true-p strop-ghost-mode))
      (require 'strop-ghost)
      (strop-ghost-mode (if (and server strop-ghost-text (strop-server-completes-p server)
                                 (not (bound-and-true-p lsp-inline-completion-mode)))
                            1
                          -1)))))

(defun strop--refresh-selected ()
  "Ask for the status of the selected buffer, if the agent has it."
  (with-current-buffer (window-buffer) (when strop--status (strop--refresh))))

;;;###autoload
(defun strop-status ()
  "Tell what the agent captures of this file, and by which rule."
  (interactive)
  (unless (strop--refresh
           (lambda (status)
             (let ((rule (strop-server-get status "rule"))
                   (provider (strop-server-get status "provider" "name")))
               (message "%s%s%s" (strop-status-text status)
                        (if rule (format ", by rule %s" rule) "")
                        (if provider (format "; %s completes" provider) "")))))
    (user-error "No server of this buffer is behind strop-agent; turn on strop-mode, then start eglot or lsp anew")))

(defun strop--pause-or-resume (word)
  "Tell the agent WORD, \"pause\" or \"resume\".
Without one in this buffer, do it by its command line."
  (let ((server (strop-server-of-buffer))
        (buffer (current-buffer)))
    (if (and server (eq (strop-server-mode server) 'on))
        (strop-server-ask server (concat "strop/" word) (make-hash-table)
                          (lambda (status problem)
                            (if status (strop--refresh-all buffer) (message "Strop: %s" problem))))
      (with-temp-buffer
        (apply #'call-process (car (strop-command)) nil t nil (cdr (strop-command word)))
        (message "Strop: %s" (string-trim (buffer-string)))
        (strop--refresh-all nil)))))

(defun strop--refresh-all (told)
  "Ask for the status of every buffer that has one; tell that of the buffer TOLD."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when strop--status
        (strop--refresh (and (eq buffer told)
                             (lambda (status) (message "%s" (strop-status-text status)))))))))

;;;###autoload
(defun strop-pause ()
  "Capture and send nothing, in any editor, until \\[strop-resume]."
  (interactive)
  (strop--pause-or-resume "pause"))

;;;###autoload
(defun strop-resume ()
  "Go on after \\[strop-pause]."
  (interactive)
  (strop--pause-or-resume "resume"))

;;; Rating

(defconst strop-dimensions '("correctness" "efficiency" "readability" "best_practices" "security")
  "What a suggestion may be rated on.")

(defun strop--read-rating ()
  "Ask for dimensions with a value each, and for a reason.  Return both in a list."
  (let ((values (list "good" "neither" "bad"))
        (left (copy-sequence strop-dimensions))
        dimensions name)
    (while (and left
                (not (string-empty-p
                      (setq name (completing-read "Rate the last accepted suggestion on (empty: no more): "
                                                  left nil t)))))
      (let ((value (completing-read (format "Its %s is: " (string-replace "_" " " name)) values nil t)))
        (setq left (delete name left)
              dimensions (plist-put dimensions (intern (concat ":" name))
                                    (- 1 (or (seq-position values value) 1))))))
    (list dimensions (read-string "Reason (may be empty): "))))

;;;###autoload
(defun strop-rate (dimensions reason)
  "Rate the suggestion that was accepted last.
DIMENSIONS is a plist of any of `strop-dimensions', each -1, 0 or 1; REASON is
a text."
  (interactive (progn (strop--server-to-tell) (strop--read-rating)))
  (let ((server (strop--server-to-tell)))
    (if (and (null dimensions) (string-empty-p (string-trim reason)))
        (message "Nothing was rated: choose a dimension, or give a reason")
      (strop-server-tell server "strop/rate"
                         (append (and dimensions (list :dimensions dimensions))
                                 (and (not (string-empty-p reason)) (list :reason reason))))
      (message "Strop: rated; M-x strop-inspect shows it"))))

(defun strop--server-to-tell ()
  "Return the server of this buffer if its agent listens, else tell what to do."
  (let ((server (strop-server-of-buffer)))
    (cond ((null server)
           (user-error "No server of this buffer is behind strop-agent; go to a buffer whose mode line says Strop"))
          ((not (eq (strop-server-mode server) 'on))
           (user-error "The agent captures nothing here: its mode is off; M-x strop-doctor says why"))
          (t server))))

;;; The mode

(defvar strop--refresh-timer nil
  "Timer for the status: others may pause and resume too.")

(defun strop--set-up (on)
  "Set clients up, those loaded later too, if ON is non-nil."
  (if (featurep 'eglot)
      (progn (require 'strop-eglot) (strop-eglot-setup on))
    (with-eval-after-load 'eglot (when strop-mode (require 'strop-eglot) (strop-eglot-setup t))))
  (if (featurep 'lsp-mode)
      (progn (require 'strop-lsp-mode) (strop-lsp-mode-setup on))
    (with-eval-after-load 'lsp-mode (when strop-mode (require 'strop-lsp-mode) (strop-lsp-mode-setup t)))))

;;;###autoload
(define-minor-mode strop-mode
  "Start language servers behind strop-agent, and show what it offers.
Servers that run already stay as they are until they are started anew."
  :global t
  :lighter (:eval (strop--lighter))
  (when strop--refresh-timer (cancel-timer strop--refresh-timer))
  (setq strop--refresh-timer (and strop-mode (run-with-idle-timer 5 t #'strop--refresh-selected)))
  (strop--set-up strop-mode)
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (cond (strop-mode (strop-buffer-managed))
            (t (setq strop--status nil)
               (when (bound-and-true-p strop-ghost-mode) (strop-ghost-mode -1)))))))

(autoload 'strop-inspect "strop-inspect" "Show every record kept here, as sent, and the ledger." t)
(autoload 'strop-doctor "strop-inspect" "Show what is wired to what, and what to do where it is not." t)
(autoload 'strop-ghost-mode "strop-ghost" "Show completions as ghost text." t)

(provide 'strop)
;;; strop.el ends here
