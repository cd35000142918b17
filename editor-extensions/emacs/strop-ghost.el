;;; strop-ghost.el --- Completions as ghost text  -*- lexical-binding: t -*-

;; Copyright (C) 2026 The Strop authors
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; After a change and a moment of rest the server is asked to complete inline at point; what it answers is shown behind
;; point, and stays while the developer types what it says.  An answer that comes after the next change, or after point
;; has moved, is dropped.  The agent is told what was shown, accepted in part and dismissed; the whole accept is the
;; completion's own command.
;;
;; One offer a buffer.  Keys are bound only while ghost text is there: see `strop-ghost-map'.

;;; Code:

(require 'cl-lib)
(require 'strop)

(defcustom strop-ghost-delay 0.15
  "Seconds of rest after a change before a completion is asked for."
  :group 'strop
  :type 'number)

(defface strop-ghost '((t :inherit shadow :slant italic))
  "Text that is offered and not yet there."
  :group 'strop)

(defvar strop-ghost-map
  (let ((map (make-sparse-keymap)))
    (dolist (key '("TAB" "<tab>")) (define-key map (kbd key) #'strop-ghost-accept))
    (dolist (key '("M-f" "M-<right>" "C-<right>")) (define-key map (kbd key) #'strop-ghost-accept-word))
    (define-key map (kbd "C-g") #'strop-ghost-dismiss)
    (define-key map (kbd "M-n") #'strop-ghost-next)
    (define-key map (kbd "M-p") #'strop-ghost-previous)
    map)
  "Keys that hold while ghost text is shown.")

;; An item of the answer: as it was sent; its text; what stood on the line before it begins; how many characters behind
;; point it replaces.
(cl-defstruct strop-ghost--item raw text head tail)

;; An answer: whose it is, its items, which is shown; where the line begins; what was behind point.
(cl-defstruct strop-ghost--offer server items index line after)

(defvar strop-ghost-mode)
(defvar-local strop-ghost--offer nil
  "The offer that is shown, or nil.")
(defvar-local strop-ghost--shown nil
  "Non-nil while ghost text is shown: `strop-ghost-map' holds.")
(defvar-local strop-ghost--overlay nil
  "What shows it.")
(defvar-local strop-ghost--timer nil
  "Runs until the rest is over.")
(defvar-local strop-ghost--cancel nil
  "Cancels the request that is on its way.")
(defvar-local strop-ghost--seen nil
  "Point and the buffer's tick after the last command.")

(defvar strop-ghost--keys `((strop-ghost--shown . ,strop-ghost-map))
  "For `emulation-mode-map-alists': minor modes like TAB too.")

;;; What is offered

(defun strop-ghost--text-of (insert-text)
  "Return INSERT-TEXT, a text or a snippet of the protocol, as plain text."
  (if (stringp insert-text)
      insert-text
    (let ((text (or (strop-server-get insert-text "value") "")))
      (while (string-match (rx (or (seq "${" (+ digit) ":" (group (* (not (any "${}")))) "}")
                                   (seq "${" (+ digit) "|" (group (* (not (any ",|}")))) (*? nonl) "|}")
                                   (seq "${" (+ digit) "}")
                                   (seq "$" (+ digit))))
                           text)
        (setq text (replace-match (or (match-string 1 text) (match-string 2 text) "") t t text)))
      (replace-regexp-in-string (rx "\\" (group (any "$}\\"))) "\\1" text))))

(defun strop-ghost--read-item (server raw)
  "Return the item RAW of SERVER, if it can be shown at point, else nil."
  (let* ((range (strop-server-get raw "range"))
         (begin (if range (strop-server-point server (strop-server-get range "start")) (point)))
         (end (if range (strop-server-point server (strop-server-get range "end")) (point)))
         (text (strop-ghost--text-of (strop-server-get raw "insertText"))))
    (when (and begin end (<= begin (point) end)
               (string-prefix-p (buffer-substring-no-properties begin (point)) text)
               (< (- (point) begin) (length text)))
      (make-strop-ghost--item :raw raw :text text
                              :head (buffer-substring-no-properties (line-beginning-position) begin)
                              :tail (- end (point))))))

(defun strop-ghost--read (server answer)
  "Return the offer in ANSWER of SERVER, if one fits at point, else nil."
  (let* ((raw (if (or (vectorp answer) (and (consp answer) (not (keywordp (car answer)))))
                  answer
                (strop-server-get answer "items")))
         (items (delq nil (mapcar (lambda (one) (strop-ghost--read-item server one)) raw))))
    (when items
      (make-strop-ghost--offer :server server :items (vconcat items) :index 0
                               :line (copy-marker (line-beginning-position))
                               :after (buffer-substring-no-properties (point) (line-end-position))))))

(defun strop-ghost--item ()
  "Return the item that is shown."
  (aref (strop-ghost--offer-items strop-ghost--offer) (strop-ghost--offer-index strop-ghost--offer)))

(defun strop-ghost--typed (item)
  "Return what of the text of ITEM is before point; nil if something else is."
  (let* ((line (strop-ghost--offer-line strop-ghost--offer))
         (begin (+ line (length (strop-ghost--item-head item)))))
    (when (and (<= begin (point))
               (equal (buffer-substring-no-properties line begin) (strop-ghost--item-head item))
               (equal (buffer-substring-no-properties (point) (line-end-position))
                      (strop-ghost--offer-after strop-ghost--offer)))
      (let ((typed (buffer-substring-no-properties begin (point))))
        (and (string-prefix-p typed (strop-ghost--item-text item)) typed)))))

(defun strop-ghost--rest (item)
  "Return what of the text of ITEM is not there yet.
Return nil if it no longer belongs here, or all is there."
  (when-let ((typed (strop-ghost--typed item)))
    (and (< (length typed) (length (strop-ghost--item-text item)))
         (substring (strop-ghost--item-text item) (length typed)))))

;;; Showing

(defun strop-ghost--render (rest)
  "Show REST behind point."
  (let* ((tail (strop-ghost--item-tail (strop-ghost--item)))
         (end (+ (point) tail))
         (replaced (buffer-substring-no-properties (point) end))
         ;; What stands behind point and is said again at the end needs no replacing on the screen.
         (closes (and (> tail 0) (string-suffix-p replaced rest)))
         (text (propertize (if closes (string-remove-suffix replaced rest) rest) 'face 'strop-ghost)))
    (unless (string-empty-p text) (put-text-property 0 1 'cursor t text))
    (unless (overlayp strop-ghost--overlay)
      (setq strop-ghost--overlay (make-overlay (point) (point)))
      (overlay-put strop-ghost--overlay 'priority 100))
    (move-overlay strop-ghost--overlay (point) (if closes (point) end) (current-buffer))
    (overlay-put strop-ghost--overlay 'display (and (> tail 0) (not closes) text))
    (overlay-put strop-ghost--overlay 'after-string (and (or (= tail 0) closes) text))
    (setq strop-ghost--shown t)))

(defun strop-ghost--hide ()
  "Show nothing, and forget the offer."
  (when (overlayp strop-ghost--overlay) (delete-overlay strop-ghost--overlay))
  (when strop-ghost--offer (set-marker (strop-ghost--offer-line strop-ghost--offer) nil))
  (setq strop-ghost--overlay nil
        strop-ghost--shown nil
        strop-ghost--offer nil))

(defun strop-ghost--tell (method &rest more)
  "Tell the agent METHOD about the item that is shown, with MORE params."
  (strop-server-tell (strop-ghost--offer-server strop-ghost--offer) method
                     (append (list :item (strop-ghost--item-raw (strop-ghost--item))) more)))

(defun strop-ghost--show ()
  "Show the current item, and tell so; hide all if it has no place here."
  (let ((rest (strop-ghost--rest (strop-ghost--item))))
    (cond (rest (strop-ghost--render rest)
                (strop-ghost--tell "strop/didShow"))
          (t (strop-ghost--hide)))))

(defun strop-ghost--follow ()
  "Show what is left of the offer after a command, and return that.
Hide it if the text went another way."
  (let ((rest (and strop-ghost--offer (not (strop-ghost--hindered-p))
                   (strop-ghost--rest (strop-ghost--item)))))
    (if rest (strop-ghost--render rest) (strop-ghost--hide))
    rest))

(defun strop-ghost--hindered-p ()
  "Return non-nil while something else is at point.
That is a menu of completions, the region or a read-only text."
  (or (bound-and-true-p completion-in-region-mode)
      (bound-and-true-p company-candidates)
      (bound-and-true-p ac-completing)
      (use-region-p)
      buffer-read-only))

;;; Asking

(defun strop-ghost--drop-request ()
  "Ask nothing, and drop what was asked."
  (when strop-ghost--timer (cancel-timer strop-ghost--timer))
  (when strop-ghost--cancel (funcall strop-ghost--cancel))
  (setq strop-ghost--timer nil
        strop-ghost--cancel nil))

(defun strop-ghost--schedule ()
  "Ask once there has been rest for a moment."
  (strop-ghost--drop-request)
  (setq strop-ghost--timer (run-with-timer strop-ghost-delay nil #'strop-ghost--rested (current-buffer))))

(defun strop-ghost--rested (buffer)
  "Ask for a completion in BUFFER, if it is the one that is worked in."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (setq strop-ghost--timer nil)
      (when (and strop-ghost-mode (eq buffer (window-buffer)))
        (strop-ghost--ask 2)))))

(defun strop-ghost--ask (trigger)
  "Ask for a completion at point.
TRIGGER is 1 if the developer wants one, 2 if it comes by itself."
  (let ((server (strop-server-of-buffer)))
    (cond ((or (null server) (strop-ghost--hindered-p) (not (strop-server-tells-columns-p server))) nil)
          ;; Not known yet whether it may be told what was shown.
          ((eq (strop-server-mode server) 'asking) (strop-ghost--schedule))
          (t (strop-ghost--request server trigger)))))

(defun strop-ghost--request (server trigger)
  "Ask SERVER for a completion at point, for the reason TRIGGER."
  (strop-ghost--drop-request)
  (strop-server-flush server)
  (let* ((buffer (current-buffer))
         (asked (strop-ghost--moment))
         (mine nil))
    (cl-flet ((answered (answer)
                (when (buffer-live-p buffer)
                  (with-current-buffer buffer
                    (when (and mine (eq mine strop-ghost--cancel))
                      (setq strop-ghost--cancel nil)
                      (when (equal asked (strop-ghost--moment))
                        (strop-ghost--offer-now server answer)))))))
      (setq mine (strop-server-request server "textDocument/inlineCompletion"
                                       (list :textDocument (list :uri (strop-server-uri server))
                                             :position (strop-server-position server)
                                             :context (list :triggerKind trigger))
                                       #'answered
                                       (lambda (_problem) (answered nil))))
      (setq strop-ghost--cancel mine))))

(defun strop-ghost--moment ()
  "Return what has to be the same still when an answer comes."
  (cons (point) (buffer-chars-modified-tick)))

(defun strop-ghost--offer-now (server answer)
  "Show the offer in ANSWER of SERVER."
  (when (and strop-ghost-mode (eq (current-buffer) (window-buffer)) (not (strop-ghost--hindered-p)))
    (strop-ghost--hide)
    (when (setq strop-ghost--offer (strop-ghost--read server answer))
      (strop-ghost--show))))

(defun strop-ghost--after-command ()
  "Follow what the command did to the text and to point."
  (let ((now (strop-ghost--moment)))
    (unless (and (equal now strop-ghost--seen) (not (strop-ghost--hindered-p)))
      (let ((changed (not (eql (cdr now) (cdr strop-ghost--seen)))))
        (setq strop-ghost--seen now)
        ;; A client that gathers keys before it sends them would make typing look like an accept.
        (when (and changed strop-ghost--offer
                   (strop-server-live-p (strop-ghost--offer-server strop-ghost--offer)))
          (strop-server-flush (strop-ghost--offer-server strop-ghost--offer)))
        (unless (strop-ghost--follow)
          (if (and changed (not (memq this-command '(undo undo-only undo-redo)))
                   (not (strop-ghost--hindered-p)))
              (strop-ghost--schedule)
            (strop-ghost--drop-request)))))))

;;; Commands

(defun strop-ghost--take (text tail)
  "Insert TEXT in place of TAIL characters behind point, as one step of undo."
  (undo-boundary)
  (unless (= tail 0) (delete-region (point) (+ (point) tail)))
  (insert text)
  (undo-boundary))

(defun strop-ghost--current-rest ()
  "Return what is left of the item that is shown, or tell that none is."
  (or (strop-ghost--follow) (user-error "No completion is shown")))

(defun strop-ghost-accept ()
  "Accept the completion that is shown."
  (interactive)
  (let* ((rest (strop-ghost--current-rest))
         (item (strop-ghost--item))
         (server (strop-ghost--offer-server strop-ghost--offer)))
    (strop-ghost--take rest (strop-ghost--item-tail item))
    (strop-ghost--hide)
    (strop-server-execute server (strop-server-get (strop-ghost--item-raw item) "command"))))

(defun strop-ghost-accept-word ()
  "Accept the next word of the completion that is shown."
  (interactive)
  (let* ((rest (strop-ghost--current-rest))
         (word (progn
                 (string-match (rx bos (* space) (or (+ (any alnum "_")) (+ (not (any alnum "_" space))) eos)) rest)
                 (match-string 0 rest)))
         (item (strop-ghost--item)))
    (if (equal word rest)
        (strop-ghost-accept)
      (strop-ghost--take word 0)
      (strop-ghost--tell "strop/didPartiallyAccept" :acceptedLength
                         (strop-server-utf16-length (strop-ghost--typed item)))
      (strop-ghost--follow))))

(defun strop-ghost-dismiss ()
  "Dismiss the completion that is shown."
  (interactive)
  (strop-ghost--current-rest)
  (strop-ghost--tell "strop/didReject")
  (strop-ghost--hide))

(defun strop-ghost-next (&optional count)
  "Show the next candidate, or the one COUNT further on."
  (interactive "p")
  (strop-ghost--current-rest)
  (let* ((count (or count 1))
         (items (strop-ghost--offer-items strop-ghost--offer))
         (fitting (seq-filter (lambda (index) (strop-ghost--rest (aref items index)))
                              (number-sequence 0 (1- (length items)))))
         (here (seq-position fitting (strop-ghost--offer-index strop-ghost--offer))))
    (if (null (cdr fitting))
        (message "There is no other completion")
      (setf (strop-ghost--offer-index strop-ghost--offer)
            (nth (mod (+ here count) (length fitting)) fitting))
      (strop-ghost--show))))

(defun strop-ghost-previous (&optional count)
  "Show the previous candidate, or the one COUNT further back."
  (interactive "p")
  (strop-ghost-next (- (or count 1))))

(defun strop-ghost-complete ()
  "Ask for a completion at point now."
  (interactive)
  (unless strop-ghost-mode
    (user-error "No completions here: M-x strop-status says why; a provider has to be configured, see strop-doctor"))
  (strop-ghost--ask 1))

;;;###autoload
(define-minor-mode strop-ghost-mode
  "Show completions of the server of this buffer as ghost text.
Keys while one is shown:
\\{strop-ghost-map}"
  :lighter nil
  (cond (strop-ghost-mode
         (add-to-list 'emulation-mode-map-alists 'strop-ghost--keys)
         (setq strop-ghost--seen (strop-ghost--moment))
         (add-hook 'post-command-hook #'strop-ghost--after-command nil t)
         (add-hook 'kill-buffer-hook #'strop-ghost--drop-request nil t))
        (t
         (remove-hook 'post-command-hook #'strop-ghost--after-command t)
         (remove-hook 'kill-buffer-hook #'strop-ghost--drop-request t)
         (strop-ghost--drop-request)
         (strop-ghost--hide))))

(provide 'strop-ghost)
;;; strop-ghost.el ends here
