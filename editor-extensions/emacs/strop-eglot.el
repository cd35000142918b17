;;; strop-eglot.el --- Strop under eglot  -*- lexical-binding: t -*-

;; Copyright (C) 2026 The Strop authors
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Puts the agent in front of what eglot starts, and talks through eglot's connections.  Eglot has few public entries
;; for this, so some of its internal ones are used; those named here are the same from 1.9 to Emacs 30.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'strop)

(declare-function eglot--signal-textDocument/didChange "eglot")
(declare-function eglot--TextDocumentIdentifier "eglot")
(declare-function eglot--capabilities "eglot")

(cl-defmethod strop-server-live-p ((server eglot-lsp-server))
  "Return non-nil while the process of SERVER is alive."
  (jsonrpc-running-p server))

(cl-defmethod strop-server-command-line ((server eglot-lsp-server))
  "Return the command of the process of SERVER."
  (let ((process (jsonrpc--process server)))
    (and (eq (process-type process) 'real) (process-command process))))

(cl-defmethod strop-server-capability ((server eglot-lsp-server) name)
  "Return the capability NAME of SERVER."
  (plist-get (eglot--capabilities server) (intern (concat ":" name))))

(cl-defmethod strop-server-uri ((_server eglot-lsp-server))
  "Return the URI of the current buffer."
  (plist-get (eglot--TextDocumentIdentifier) :uri))

(cl-defmethod strop-server-flush ((_server eglot-lsp-server))
  "Send each change that eglot has not sent."
  (when (eglot-managed-p) (eglot--signal-textDocument/didChange)))

(defun strop-eglot--method (name)
  "Return the method NAME as jsonrpc.el takes it; older versions lose a string."
  (intern (concat ":" name)))

(cl-defmethod strop-server-notify ((server eglot-lsp-server) method params)
  "Send SERVER the notification METHOD with PARAMS."
  (jsonrpc-notify server (strop-eglot--method method) params))

(cl-defmethod strop-server-request ((server eglot-lsp-server) method params success failure)
  "Send SERVER the request METHOD with PARAMS; call SUCCESS or FAILURE."
  (jsonrpc-async-request server (strop-eglot--method method) params
                         :success-fn success
                         :error-fn (lambda (problem) (funcall failure (plist-get problem :message)))
                         :timeout-fn (lambda () (funcall failure "no answer")))
  ;; The number was made just now; not all versions return it.
  (let ((id (jsonrpc--next-request-id server)))
    (lambda ()
      (when (jsonrpc-running-p server)
        (jsonrpc-notify server (strop-eglot--method "$/cancelRequest") (list :id id))))))

(defun strop-eglot--servers ()
  "Return eglot's server of this buffer, in a list."
  (when-let ((server (and (eglot-managed-p) (eglot-current-server))))
    (list server)))

;;; Starting

(defun strop-eglot--wrap (contact)
  "Put the agent in front of CONTACT, if that is a command."
  (cond ((functionp contact) (lambda (&rest arguments) (strop-eglot--wrap (apply contact arguments))))
        ((and (stringp (car-safe contact)) (not (integerp (cadr contact))) (not (memq :autoport contact)))
         (strop-wrap-or-warn contact))
        (t contact)))

(defun strop-eglot--connect (connect managed-modes project class contact &rest rest)
  "Call CONNECT with the agent in front of CONTACT.
MANAGED-MODES, PROJECT, CLASS and REST go on as they are."
  (apply connect managed-modes project class (strop-eglot--wrap contact) rest))

(defun strop-eglot--ended (server)
  "Show what the agent in front of SERVER complained of as it ended, if it did.
It may end long after eglot has stopped waiting for it."
  (let ((process (jsonrpc--process server)))
    (when (and (strop-server-agent-p (strop-server-command-line server))
               (eq (process-status process) 'exit)
               (/= 0 (process-exit-status process)))
      (strop-eglot--show-complaint))))

(defun strop-eglot--show-complaint ()
  "Show what agents complained of as they ended."
  (dolist (buffer (buffer-list))
    (when (string-match-p "\\`[ *]*EGLOT .* stderr\\*\\'" (buffer-name buffer))
      (strop-show-complaint buffer))))

(cl-defmethod eglot-client-capabilities :around ((server eglot-lsp-server))
  "Say that inline completions are welcome, where SERVER is behind an agent."
  (let ((capabilities (cl-call-next-method)))
    (if (not (strop-server-agent-p (strop-server-command-line server)))
        capabilities
      (plist-put (copy-sequence capabilities) :textDocument
                 (append (plist-get capabilities :textDocument)
                         '(:inlineCompletion (:dynamicRegistration :json-false)))))))

(defun strop-eglot--alone ()
  "Put the agent into `eglot-server-programs' for `strop-alone-modes'."
  (when strop-alone-modes
    (add-to-list 'eglot-server-programs (cons strop-alone-modes #'strop-eglot--alone-contact))))

(defun strop-eglot--alone-contact (&rest _)
  "Return the command of the agent alone."
  (strop-command))

;;;###autoload
(defun strop-eglot-setup (on)
  "Have eglot start servers behind the agent if ON is non-nil, else as they are."
  (cond (on (advice-add 'eglot--connect :around #'strop-eglot--connect)
            (advice-add 'eglot--on-shutdown :before #'strop-eglot--ended)
            (add-hook 'strop-server-finders #'strop-eglot--servers)
            (add-hook 'eglot-managed-mode-hook #'strop-buffer-managed)
            (strop-eglot--alone))
        (t (advice-remove 'eglot--connect #'strop-eglot--connect)
           (advice-remove 'eglot--on-shutdown #'strop-eglot--ended)
           (setq eglot-server-programs
                 (cl-delete #'strop-eglot--alone-contact eglot-server-programs :key #'cdr))
           (remove-hook 'eglot-managed-mode-hook #'strop-buffer-managed))))

(provide 'strop-eglot)
;;; strop-eglot.el ends here
