;;; strop-server.el --- What Strop asks of an LSP client  -*- lexical-binding: t -*-

;; Copyright (C) 2026 The Strop authors
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; An LSP client (eglot, lsp-mode) has an object for each connection, here called a server.  Each client's file
;; implements the generic functions below for its own; all else is written against these.
;;
;; Also here: the messages of editor-extensions/PROTOCOL.md, and positions in the units that were agreed upon.
;; Errors of a request go to the function given for them, with a text.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)

(defconst strop-server-patience 2
  "Seconds in which an agent answers a `strop/' request, if it is one.")

(cl-defgeneric strop-server-live-p (server)
  "Return non-nil while SERVER can be talked to.")
(cl-defgeneric strop-server-command-line (server)
  "Return the command of SERVER, a list of strings; nil if it has none here.")
(cl-defgeneric strop-server-capability (server name)
  "Return what SERVER announced as its capability NAME, a string.")
(cl-defgeneric strop-server-uri (server)
  "Return the URI by which SERVER knows the current buffer.")
(cl-defgeneric strop-server-flush (server)
  "Send SERVER each change of the current buffer that is still held back.")
(cl-defgeneric strop-server-notify (server method params)
  "Send SERVER the notification METHOD with PARAMS.")
(cl-defgeneric strop-server-request (server method params success failure)
  "Send SERVER the request METHOD with PARAMS.
Call SUCCESS with the result or FAILURE with a text, in no particular buffer.
Return a function to cancel it.")
(cl-defgeneric strop-server-counts-characters-p (_server)
  "Return non-nil if the client of SERVER always counts columns in characters."
  nil)

(defvar strop-server-finders nil
  "Functions without arguments that return the servers of the current buffer.")

(defun strop-server-agent-p (command)
  "Return non-nil if COMMAND, a list of strings, is one of an agent."
  (seq-some (lambda (word) (string-prefix-p "strop-agent" (file-name-nondirectory word))) command))

(defun strop-server-of-buffer ()
  "Return the server of the current buffer that is behind an agent, or nil.
One that completes inline is preferred."
  (let ((servers (seq-filter (lambda (server)
                               (and (strop-server-live-p server)
                                    (strop-server-agent-p (strop-server-command-line server))))
                             (seq-mapcat #'funcall strop-server-finders))))
    (or (seq-find #'strop-server-completes-p servers) (car servers))))

(defun strop-server-completes-p (server)
  "Return non-nil if SERVER completes inline."
  (let ((provides (strop-server-capability server "inlineCompletionProvider")))
    (and provides (not (eq provides :json-false)))))

;; JSON objects are plists or hash tables, as the client has them.

(defun strop-server-get (object &rest names)
  "Return the value in OBJECT, of JSON, under NAMES, each in the one before.
It is nil for null, false and nothing."
  (dolist (name names)
    (setq object (cond ((hash-table-p object) (gethash name object))
                       ((consp object) (plist-get object (intern (concat ":" name)))))))
  (unless (memq object '(:json-false :null)) object))

;;; Positions

(defun strop-server-utf16-length (text)
  "Return the length of TEXT in UTF-16 units."
  (let ((length (length text)))
    (mapc (lambda (char) (when (> char #xffff) (cl-incf length))) text)
    length))

(defun strop-server--encoding (server)
  "Return the units in which SERVER counts columns."
  (or (strop-server-capability server "positionEncoding") "utf-16"))

(defun strop-server--length (server text)
  "Return the length of TEXT in the units of SERVER."
  (pcase (strop-server--encoding server)
    ("utf-8" (length (encode-coding-string text 'utf-8-emacs)))
    ("utf-32" (length text))
    (_ (strop-server-utf16-length text))))

(defun strop-server-position (server)
  "Return point as a position for SERVER."
  (save-restriction
    (widen)
    (list :line (1- (line-number-at-pos))
          :character (strop-server--length
                      server (buffer-substring-no-properties (line-beginning-position) (point))))))

(defun strop-server-point (server position)
  "Return where POSITION of SERVER is, if that is on the line of point, else nil."
  (save-restriction
    (widen)
    (when (eql (strop-server-get position "line") (1- (line-number-at-pos)))
      (let ((left (strop-server-get position "character")))
        (save-excursion
          (goto-char (line-beginning-position))
          (while (and (> left 0) (not (eolp)))
            (cl-decf left (strop-server--length server (string (char-after))))
            (forward-char))
          (point))))))

(defun strop-server-tells-columns-p (server)
  "Return non-nil if SERVER and its client agree on columns of the current line."
  (or (not (strop-server-counts-characters-p server))
      (equal (strop-server--encoding server) "utf-32")
      (not (save-excursion
             (goto-char (line-beginning-position))
             (re-search-forward "[\U00010000-\U0010FFFF]" (line-end-position) t)))))

;;; The protocol

(defvar strop-server--modes (make-hash-table :test 'eq :weakness 'key)
  "By server: `asking', `on' or `off'.")

(defun strop-server-mode (server)
  "Return `on' if an agent listens in SERVER, else `off'.
Return `asking' while that is not known."
  (gethash server strop-server--modes 'asking))

(defun strop-server-ask (server method params answered)
  "Send SERVER the request METHOD, one of `strop/', with PARAMS.
Call ANSWERED with the result and nil, or with nil and what is wrong, a text."
  (let ((done nil) timer)
    (cl-flet ((finish (result problem)
                (unless done
                  (setq done t)
                  (when timer (cancel-timer timer))
                  (funcall answered result problem))))
      (setq timer (run-with-timer
                   strop-server-patience nil
                   (lambda () (finish nil "strop-agent does not answer; M-x strop-doctor says what is wired to what"))))
      (strop-server-request server method params
                            (lambda (result) (finish result nil))
                            (lambda (problem) (finish nil problem))))))

(defun strop-server-ask-status (server answered)
  "Ask SERVER for the status of the current buffer and call ANSWERED with it.
An agent that relays bytes unread cannot answer; its status is then of mode
\"off\", and it is told nothing."
  (unless (gethash server strop-server--modes) (puthash server 'asking strop-server--modes))
  (if (eq (strop-server-mode server) 'off)
      (funcall answered '(:mode "off"))
    (strop-server-ask server "strop/status" (list :uri (strop-server-uri server))
                      (lambda (status _problem)
                        (puthash server (if status 'on 'off) strop-server--modes)
                        (funcall answered (or status '(:mode "off")))))))

(defun strop-server-tell (server method params)
  "Tell the agent in SERVER, if there is one, METHOD with PARAMS.
The text of the current buffer goes first."
  (when (and (eq (strop-server-mode server) 'on) (strop-server-live-p server))
    (strop-server-flush server)
    (strop-server-notify server method params)))

(defun strop-server-execute (server command)
  "Have SERVER execute COMMAND, an object of the protocol.
The text of the current buffer goes first."
  (when (and command (strop-server-live-p server))
    (strop-server-flush server)
    (strop-server-request
     server "workspace/executeCommand"
     (list :command (strop-server-get command "command")
           :arguments (or (strop-server-get command "arguments") []))
     #'ignore
     (lambda (problem) (message "Strop: the completion's command failed: %s" problem)))))

(provide 'strop-server)
;;; strop-server.el ends here
