;;; strop-inspect.el --- What the agent keeps, and what it is wired to  -*- lexical-binding: t -*-

;; Copyright (C) 2026 The Strop authors
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Views of `strop-agent inspect --json' and `strop-agent doctor'.  They hold nothing of their own.

;;; Code:

(require 'strop)

(define-derived-mode strop-view-mode special-mode "Strop"
  "What the agent says.  Type \\<strop-view-mode-map>\\[revert-buffer] to ask anew."
  (setq-local truncate-lines nil))

(defun strop--run (name arguments show)
  "Run the agent with ARGUMENTS and call SHOW in a buffer NAME.
SHOW gets its output, its errors and its exit code."
  (let ((buffer (get-buffer-create name))
        (out (generate-new-buffer " *strop-out*"))
        (err (generate-new-buffer " *strop-err*")))
    (with-current-buffer buffer
      (strop-view-mode)
      (setq-local revert-buffer-function (lambda (&rest _) (strop--run name arguments show))))
    (pop-to-buffer buffer)
    (let* ((errors (make-pipe-process :name "strop-err" :buffer err :noquery t :sentinel #'ignore))
           (process
            (make-process
             :name "strop" :buffer out :stderr errors :noquery t :connection-type 'pipe :coding 'utf-8-unix
             :command (apply #'strop-command arguments)
             :sentinel
             (lambda (process _change)
               (unless (process-live-p process)
                 (while (accept-process-output errors 0.05))
                 (let ((said (with-current-buffer out (buffer-string)))
                       (complained (with-current-buffer err (buffer-string))))
                   (kill-buffer out)
                   (kill-buffer err)
                   (when (buffer-live-p buffer)
                     (with-current-buffer buffer
                       (let ((inhibit-read-only t))
                         (erase-buffer)
                         (funcall show said complained (process-exit-status process))
                         (goto-char (point-min)))))))))))
      process)))

(defun strop-inspect--show (said complained code)
  "Insert the records in SAID, the output of inspect.
If it failed, by its CODE, insert what it COMPLAINED of."
  (if (/= code 0)
      (insert (if (string-empty-p complained) (format "strop-agent inspect ended with code %s\n" code) complained))
    (let* ((all (json-parse-string said :object-type 'plist :array-type 'list))
           (ledger (plist-get all :ledger)))
      (insert (propertize "What was captured, and where it is\n" 'face 'bold))
      (cl-loop for (name count) on ledger by #'cddr
               do (insert (format "  %-12s %s\n" (substring (symbol-name name) 1)
                                  (if (listp count)
                                      (strop-inspect--reasons count)
                                    count))))
      (insert (propertize "\nEach record, the newest first, as the bytes that leave\n" 'face 'bold))
      (dolist (record (reverse (plist-get all :records)))
        (strop-inspect--insert record)))))

(defun strop-inspect--reasons (counts)
  "Return COUNTS, a plist by reason, as a text."
  (if counts
      (mapconcat (lambda (pair) (format "%s: %s" (substring (symbol-name (car pair)) 1) (cadr pair)))
                 (seq-partition counts 2) ", ")
    "0"))

(defun strop-inspect--insert (record)
  "Insert RECORD."
  (insert (propertize (format "\n#%s  %s  %s  by rule %s%s\n"
                              (plist-get record :seq)
                              (format-time-string "%F %T" (/ (plist-get record :t_ms) 1000.0))
                              (plist-get record :state)
                              (plist-get record :rule)
                              (let ((why (plist-get record :rejected))) (if why (concat ", " why) "")))
                      'face 'font-lock-comment-face)
          (plist-get record :bytes)
          "\n"))

;;;###autoload
(defun strop-inspect ()
  "Show every record kept here, as sent, and the ledger."
  (interactive)
  (strop--run "*Strop inspect*" '("inspect" "--json") #'strop-inspect--show))

;;;###autoload
(defun strop-doctor ()
  "Show what is wired to what, and what to do where it is not."
  (interactive)
  (strop--run "*Strop doctor*" '("doctor")
              (lambda (said complained code)
                (insert said complained)
                (when (= code 0) (insert "\nAll is well.\n")))))

(provide 'strop-inspect)
;;; strop-inspect.el ends here
