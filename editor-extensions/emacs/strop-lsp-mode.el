;;; strop-lsp-mode.el --- Strop under lsp-mode  -*- lexical-binding: t -*-

;; Copyright (C) 2026 The Strop authors
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Puts the agent in front of what lsp-mode starts, and talks through lsp-mode's workspaces.
;;
;; Version 8 of lsp-mode counts columns in characters where the protocol counts UTF-16 units.  On a line with characters
;; beyond U+FFFF nothing is asked then: the answer would be about another place.

;;; Code:

(require 'cl-lib)
(require 'lsp-mode)
(require 'strop)

(cl-defmethod strop-server-live-p ((workspace lsp--workspace))
  "Return non-nil while WORKSPACE is initialized and its process is alive."
  (and (eq (lsp--workspace-status workspace) 'initialized)
       (process-live-p (lsp--workspace-cmd-proc workspace))))

(cl-defmethod strop-server-command-line ((workspace lsp--workspace))
  "Return the command of the process of WORKSPACE."
  (let ((process (lsp--workspace-cmd-proc workspace)))
    (and process (eq (process-type process) 'real) (process-command process))))

(cl-defmethod strop-server-capability ((workspace lsp--workspace) name)
  "Return the capability NAME of WORKSPACE."
  (strop-server-get (lsp--workspace-server-capabilities workspace) name))

(cl-defmethod strop-server-uri ((_workspace lsp--workspace))
  "Return the URI of the current buffer."
  (lsp--buffer-uri))

(cl-defmethod strop-server-flush ((_workspace lsp--workspace))
  "Send each change that lsp-mode has not sent."
  (lsp--flush-delayed-changes))

(cl-defmethod strop-server-notify ((workspace lsp--workspace) method params)
  "Send WORKSPACE the notification METHOD with PARAMS."
  (with-lsp-workspace workspace (lsp-notify method params)))

(cl-defmethod strop-server-request ((workspace lsp--workspace) method params success failure)
  "Send WORKSPACE the request METHOD with PARAMS; call SUCCESS or FAILURE."
  (let ((token (make-symbol "strop-request")))
    (with-lsp-workspace workspace
      (lsp-request-async method params success
                         :mode 'detached
                         :error-handler (lambda (problem)
                                          (funcall failure (or (strop-server-get problem "message") "refused")))
                         :cancel-token token))
    (lambda () (lsp-cancel-request-by-token token))))

(cl-defmethod strop-server-counts-characters-p ((_workspace lsp--workspace))
  "Return non-nil: so does lsp-mode."
  t)

(defun strop-lsp-mode--servers ()
  "Return the workspaces of this buffer."
  (lsp-workspaces))

;;; Starting

(defun strop-lsp-mode--resolve (resolve command &optional test &rest rest)
  "Call RESOLVE with COMMAND, TEST and REST, and put the agent in front."
  (let ((resolved (apply resolve command (and (or test rest) (cons test rest)))))
    (if test resolved (strop-wrap-or-warn resolved))))

(defun strop-lsp-mode--present (present command)
  "Ask PRESENT for the server in COMMAND, not for the agent in front of it."
  (funcall present (strop-unwrap command)))

(defun strop-lsp-mode--capabilities (capabilities)
  "Add to CAPABILITIES that inline completions are welcome."
  (mapcar (lambda (entry)
            (if (eq (car-safe entry) 'textDocument)
                (append entry '((inlineCompletion . ((dynamicRegistration . :json-false)))))
              entry))
          capabilities))

(defun strop-lsp-mode--ended (workspace)
  "Show what the agent of WORKSPACE complained of, if it did."
  (let ((process (lsp--workspace-cmd-proc workspace)))
    (when (and process (eq (process-status process) 'exit) (/= 0 (process-exit-status process)))
      ;; A process that is not the first of its name has a number in it, its buffer has none.
      (strop-show-complaint
       (format "*%s::stderr*" (replace-regexp-in-string "<[0-9]+>\\'" "" (process-name process)))))))

(defun strop-lsp-mode--alone ()
  "Register the agent alone for `strop-alone-modes'."
  (when strop-alone-modes
    (lsp-register-client
     (make-lsp-client :new-connection (lsp-stdio-connection #'strop-command)
                      :major-modes strop-alone-modes
                      :language-id (lambda (_buffer) (string-remove-suffix "-mode" (symbol-name major-mode)))
                      :server-id 'strop))
    ;; Lsp-mode starts nothing in a mode that it has no language of.
    (dolist (mode strop-alone-modes)
      (unless (assq mode lsp-language-id-configuration)
        (add-to-list 'lsp-language-id-configuration
                     (cons mode (string-remove-suffix "-mode" (symbol-name mode))))))))

(defconst strop-lsp-mode--advice
  '((lsp-resolve-final-function :around strop-lsp-mode--resolve)
    (lsp-resolve-final-command :around strop-lsp-mode--resolve)
    (lsp-server-present? :around strop-lsp-mode--present)
    (lsp--client-capabilities :filter-return strop-lsp-mode--capabilities))
  "What is advised, how, by what.
Of the first two, lsp-mode has one, by its version.")

;;;###autoload
(defun strop-lsp-mode-setup (on)
  "Have lsp-mode start servers behind the agent if ON is non-nil, else as they are."
  (pcase-dolist (`(,function ,how ,advice) strop-lsp-mode--advice)
    (cond ((not (fboundp function)))
          (on (advice-add function how advice))
          (t (advice-remove function advice))))
  (cond (on (add-hook 'strop-server-finders #'strop-lsp-mode--servers)
            (add-hook 'lsp-after-open-hook #'strop-buffer-managed)
            (add-hook 'lsp-after-uninitialized-functions #'strop-lsp-mode--ended)
            (strop-lsp-mode--alone))
        (t (remove-hook 'lsp-after-open-hook #'strop-buffer-managed)
           (remove-hook 'lsp-after-uninitialized-functions #'strop-lsp-mode--ended))))

(provide 'strop-lsp-mode)
;;; strop-lsp-mode.el ends here
