;;; ghost-test.el --- Ghost text before a server that the test plays  -*- lexical-binding: t -*-

;;; Code:

(require 'support)
(require 'strop)
(require 'strop-ghost)

;; What a client would be: it notes what it is sent, and answers when told to.
(cl-defstruct played (sent nil) (open nil) (cancelled 0) (capabilities nil) (live t) (characters nil))

(defvar server nil "The server of the test.")

(cl-defmethod strop-server-live-p ((played played)) (played-live played))
(cl-defmethod strop-server-command-line ((_played played)) '("/usr/bin/strop-agent" "--" "clangd"))
(cl-defmethod strop-server-capability ((played played) name)
  (cdr (assoc name (played-capabilities played))))
(cl-defmethod strop-server-uri ((_played played)) "file:///a")
(cl-defmethod strop-server-flush ((played played))
  (push (list 'text (buffer-string)) (played-sent played)))
(cl-defmethod strop-server-notify ((played played) method params)
  (push (list method params) (played-sent played)))
(cl-defmethod strop-server-request ((played played) method params success failure)
  (push (list method params) (played-sent played))
  (push (list method success failure) (played-open played))
  (lambda () (cl-incf (played-cancelled played))))
(cl-defmethod strop-server-counts-characters-p ((played played)) (played-characters played))

(defun sent (method)
  "Return the params of what was sent as METHOD, in order."
  (mapcar #'cadr (seq-filter (lambda (one) (equal (car one) method)) (reverse (played-sent server)))))

(defun requests () (length (sent "textDocument/inlineCompletion")))

(defun answer (method result)
  "Answer the newest open request of METHOD with RESULT."
  (let ((request (assoc method (played-open server))))
    (setf (played-open server) (delq request (played-open server)))
    (funcall (cadr request) result)))

(defun item (text &rest more)
  (append (list :insertText text :command (list :command "strop.accept.1" :arguments (vector text))) more))

(defun range (line from to)
  (list :start (list :line line :character from) :end (list :line line :character to)))

(defun offer (&rest items)
  "Wait for the request that is due and answer it with ITEMS."
  (await "a request" (assoc "textDocument/inlineCompletion" (played-open server)))
  (answer "textDocument/inlineCompletion" (list :items (vconcat items))))

(defun ghost ()
  "Return the ghost text as it is on the screen; nil if there is none."
  (and strop-ghost--shown
       (let ((text (or (overlay-get strop-ghost--overlay 'after-string)
                       (overlay-get strop-ghost--overlay 'display))))
         (should (= (overlay-start strop-ghost--overlay) (point)))
         (substring-no-properties text))))

(defmacro with-server (text &rest body)
  "Do BODY in a buffer with TEXT, point at its |, and a server whose agent listens."
  (declare (indent 1))
  `(let ((server (make-played :capabilities '(("inlineCompletionProvider" . t))))
         (strop-ghost-delay 0.01))
     (with-temp-buffer
       (switch-to-buffer (current-buffer))
       (insert ,text)
       (goto-char (point-min))
       (search-forward "|")
       (delete-char -1)
       (setq buffer-undo-list nil)
       (let ((strop-server-finders (list (lambda () (list server)))))
         (strop-buffer-managed)
         (answer "strop/status" '(:mode "full" :capturing "full" :rule "consent:/a"))
         (unwind-protect (progn ,@body)
           (strop-ghost-mode -1))))))

;;; Asking

(ert-deftest ghost-one-request-after-the-last-of-quick-keys ()
  (with-server "|"
    (setq strop-ghost-delay 0.3)
    (dolist (key '("a" "b" "c")) (keys key))
    (offer (item "def"))
    (should (= (requests) 1))
    (should (equal (sent "textDocument/inlineCompletion")
                   '((:textDocument (:uri "file:///a") :position (:line 0 :character 3)
                                    :context (:triggerKind 2)))))
    (should (equal (ghost) "def"))))

(ert-deftest ghost-the-text-goes-before-the-request ()
  (with-server "|"
    (keys "a")
    (offer)
    (should (equal (mapcar #'car (seq-take (played-sent server) 2)) '("textDocument/inlineCompletion" text)))
    (should (equal (cadr (nth 1 (played-sent server))) "a"))))

(ert-deftest ghost-moving-asks-for-nothing ()
  (with-server "ab|"
    (keys "C-b C-f")
    (should-not strop-ghost--timer)))

(ert-deftest ghost-undo-asks-for-nothing ()
  (with-server "|"
    (keys "a")
    (offer)
    (keys "C-/")
    (should (equal (buffer-string) ""))
    (should-not strop-ghost--timer)))

(ert-deftest ghost-waits-until-it-is-known-whether-an-agent-listens ()
  (with-server "|"
    (puthash server 'asking strop-server--modes)
    (keys "a")
    (let ((first strop-ghost--timer))
      (await "another timer" (and strop-ghost--timer (not (eq first strop-ghost--timer)))))
    (should (= (requests) 0))
    (puthash server 'on strop-server--modes)
    (offer (item "b"))
    (should (equal (ghost) "b"))))

(ert-deftest ghost-the-developer-may-ask-at-once ()
  (with-server "a|"
    (keys "M-x strop-ghost-complete RET")
    (offer (item "b"))
    (should (equal (ghost) "b"))
    (should (equal (plist-get (car (sent "textDocument/inlineCompletion")) :context) '(:triggerKind 1)))))

(ert-deftest ghost-nothing-is-asked-where-columns-mean-something-else ()
  (with-server "😀|"
    (setf (played-characters server) t)
    (keys "a")
    (strop-ghost--ask 1)
    (should (= (requests) 0))
    (keys "RET a")
    (strop-ghost--ask 1)
    (should (= (requests) 1))))

;;; Answers

(ert-deftest ghost-an-answer-after-the-next-key-is-dropped ()
  (with-server "|"
    (keys "a")
    (await "a request" (= (requests) 1))
    (let ((late (cadr (assoc "textDocument/inlineCompletion" (played-open server)))))
      (setf (played-open server) nil)
      (keys "b")
      (should (= (played-cancelled server) 1))
      (funcall late (list :items (vector (item "late"))))
      (should-not (ghost))
      (offer (item "c"))
      (should (equal (ghost) "c"))
      (funcall late (list :items (vector (item "late"))))
      (should (equal (ghost) "c")))))

(ert-deftest ghost-an-answer-after-a-move-is-dropped ()
  (with-server "|"
    (keys "a")
    (await "a request" (= (requests) 1))
    (keys "C-b")
    (offer (item "late"))
    (should-not (ghost))))

(ert-deftest ghost-an-answer-after-a-change-by-no-command-is-dropped ()
  (with-server "|"
    (keys "a")
    (await "a request" (= (requests) 1))
    (save-excursion (insert "from elsewhere"))
    (offer (item "late"))
    (should-not (ghost))))

(ert-deftest ghost-an-answer-for-a-buffer-that-is-not-looked-at-is-dropped ()
  (with-server "|"
    (keys "a")
    (await "a request" (= (requests) 1))
    (let ((buffer (current-buffer)))
      (with-temp-buffer
        (switch-to-buffer (current-buffer))
        (answer "textDocument/inlineCompletion" (vector (item "b")))
        (switch-to-buffer buffer)))
    (should-not (ghost))))

(ert-deftest ghost-all-forms-of-answers ()
  (dolist (form (list (vector (item "b")) (list (item "b")) (list :items (vector (item "b")))
                      (let ((table (make-hash-table :test 'equal)) (one (make-hash-table :test 'equal)))
                        (puthash "insertText" "b" one)
                        (puthash "items" (vector one) table)
                        table)))
    (with-server "|"
      (keys "a")
      (await "a request" (= (requests) 1))
      (answer "textDocument/inlineCompletion" form)
      (should (equal (ghost) "b"))))
  (dolist (form '(nil [] (:items [])))
    (with-server "|"
      (keys "a")
      (await "a request" (= (requests) 1))
      (answer "textDocument/inlineCompletion" form)
      (should-not (ghost))
      (should-not (sent "strop/didShow")))))

(ert-deftest ghost-what-does-not-continue-the-text-is-not-shown ()
  (with-server "fo|"
    (keys "o")
    (offer (item "bar" :range (range 0 0 3))       ; does not begin with foo
           (item "foo" :range (range 0 0 3))       ; adds nothing
           (item "foobar" :range (range 1 0 3))    ; elsewhere
           (item "foobar" :range (range 0 0 3)))
    (should (equal (ghost) "bar"))
    (should (= (length (strop-ghost--offer-items strop-ghost--offer)) 1))))

(ert-deftest ghost-snippets-are-plain-text ()
  (should (equal (strop-ghost--text-of '(:kind "snippet" :value "f(${1:a}, ${2:b})$0")) "f(a, b)"))
  (should (equal (strop-ghost--text-of '(:kind "snippet" :value "${1|x,y|} ${2} \\$\\}")) "x  $}"))
  (should (equal (strop-ghost--text-of "$1")  "$1")))

;;; Showing

(ert-deftest ghost-is-told-when-it-is-shown-with-the-item-as-it-was-sent ()
  (with-server "|"
    (keys "a")
    (let ((sent (item "b" :filterText "x" :unheard 7)))
      (offer sent)
      (should (equal (sent "strop/didShow") (list (list :item sent))))
      (should (equal (car (played-sent server)) (list "strop/didShow" (list :item sent)))))))

(ert-deftest ghost-typing-what-it-says-keeps-the-rest-and-asks-nothing ()
  (with-server "|"
    (keys "a")
    (offer (item "bcd"))
    (keys "b")
    (should (equal (ghost) "cd"))
    (keys "c")
    (should (equal (ghost) "d"))
    (keys "DEL")
    (should (equal (ghost) "cd"))
    (should (= (requests) 1))
    (should (= (length (sent "strop/didShow")) 1))
    (keys "c d")
    (should-not (ghost))
    (should-not (sent "workspace/executeCommand"))
    (await "the next request" (= (requests) 2))))

;; Eglot gathers keys for half a second; in one notification they would look like an accept.
(ert-deftest ghost-keys-are-sent-one-by-one-while-it-is-shown ()
  (with-server "|"
    (keys "a")
    (offer (item "bcd"))
    (setf (played-sent server) nil)
    (keys "b c x y")
    (should (equal (sent 'text) '("ab" "abc" "abcx")))))

(ert-deftest ghost-typing-something-else-hides-it-and-says-nothing ()
  (with-server "|"
    (keys "a")
    (offer (item "bcd"))
    (keys "x")
    (should-not (ghost))
    (await "the next request" (= (requests) 2))
    (should-not (sent "strop/didReject"))))

(ert-deftest ghost-what-is-deleted-before-it-hides-it ()
  (with-server "a|"
    (keys "b")
    (offer (item "cd"))
    (keys "DEL")
    (should-not (ghost))))

(ert-deftest ghost-moving-away-hides-it-and-says-nothing ()
  (dolist (move '("C-b" "C-a" "C-p" "M-<"))
    (with-server "x\n|"
      (keys "a")
      (offer (item "b"))
      (keys move)
      (should-not (ghost))
      (should-not (sent "strop/didReject")))))

(ert-deftest ghost-text-above-may-change ()
  (with-server "x\n|"
    (keys "a")
    (offer (item "bc"))
    (save-excursion (goto-char (point-min)) (insert "new\n"))
    (keys "b")
    (should (equal (ghost) "c"))))

(ert-deftest ghost-a-menu-of-completions-hides-it ()
  (with-server "|"
    (keys "a")
    (offer (item "b"))
    (let ((completion-in-region-mode t))
      (strop-ghost--after-command)
      (should-not (ghost))
      (should-not strop-ghost--timer))))

(ert-deftest ghost-several-lines ()
  (with-server "|"
    (keys "a")
    (offer (item "b\n  c"))
    (should (equal (ghost) "b\n  c"))
    (keys "b TAB")
    (should (equal (buffer-string) "ab\n  c"))))

(ert-deftest ghost-what-is-said-again-behind-point-is-not-shown-twice ()
  (with-server "f(|)"
    (keys "a")
    (offer (item "f(a, b)" :range (range 0 0 4)))
    (should (equal (ghost) ", b"))
    (keys "TAB")
    (should (equal (buffer-string) "f(a, b)"))))

(ert-deftest ghost-what-is-replaced-behind-point-is-covered ()
  (with-server "f(|old)"
    (keys "a")
    (offer (item "a, b" :range (range 0 2 6)))
    (should (equal (ghost) ", b"))
    (should (equal (buffer-substring (overlay-start strop-ghost--overlay) (overlay-end strop-ghost--overlay))
                   "old"))
    (keys "TAB")
    (should (equal (buffer-string) "f(a, b)"))))

;;; Commands

(ert-deftest ghost-tab-accepts-in-one-step-and-runs-the-command-behind-the-text ()
  (with-server "|"
    (keys "a")
    (offer (item "bcd"))
    (keys "TAB")
    (should (equal (buffer-string) "abcd"))
    (should (eobp))
    (should-not (ghost))
    (should (equal (sent "workspace/executeCommand") '((:command "strop.accept.1" :arguments ["bcd"]))))
    (should (equal (nth 1 (played-sent server)) '(text "abcd")))
    (keys "C-/")
    (should (equal (buffer-string) "a"))))

(ert-deftest ghost-keys-hold-only-while-it-is-shown ()
  (with-server "|"
    (should-not (eq (key-binding (kbd "TAB")) #'strop-ghost-accept))
    (keys "a")
    (offer (item "b"))
    (pcase-dolist (`(,key . ,command) '(("TAB" . strop-ghost-accept) ("<tab>" . strop-ghost-accept)
                                        ("M-f" . strop-ghost-accept-word) ("M-<right>" . strop-ghost-accept-word)
                                        ("C-<right>" . strop-ghost-accept-word) ("C-g" . strop-ghost-dismiss)
                                        ("M-n" . strop-ghost-next) ("M-p" . strop-ghost-previous)))
      (should (eq (key-binding (kbd key)) command)))
    (keys "TAB")
    (should-not (eq (key-binding (kbd "TAB")) #'strop-ghost-accept))
    (should (eq (key-binding (kbd "C-g")) #'keyboard-quit))
    (with-temp-buffer (should-not (eq (key-binding (kbd "TAB")) #'strop-ghost-accept)))))

(ert-deftest ghost-keys-come-before-those-of-minor-modes ()
  (with-server "|"
    (let* ((minor-mode-map-alist `((strop-ghost-mode . ,(let ((map (make-sparse-keymap)))
                                                          (define-key map (kbd "TAB") #'ignore)
                                                          map))
                                   ,@minor-mode-map-alist)))
      (should (eq (key-binding (kbd "TAB")) #'ignore))
      (keys "a")
      (offer (item "b"))
      (keys "TAB")
      (should (equal (buffer-string) "ab")))))

(ert-deftest ghost-words-are-told-in-utf-16-from-the-start-of-the-text ()
  (with-server "|"
    (keys "a")
    (offer (item "𝒳y, 😀😀 end"))
    (keys "M-f")
    (should (equal (buffer-string) "a𝒳y"))
    (keys "M-f M-f")
    (should (equal (buffer-string) "a𝒳y, 😀😀"))
    (should (equal (ghost) " end"))
    (should (equal (mapcar (lambda (params) (plist-get params :acceptedLength)) (sent "strop/didPartiallyAccept"))
                   '(3 4 9)))
    (should (equal (cadr (member (assoc "strop/didPartiallyAccept" (played-sent server)) (played-sent server)))
                   '(text "a𝒳y, 😀😀")))
    (should-not (sent "workspace/executeCommand"))
    (keys "M-f")
    (should (equal (buffer-string) "a𝒳y, 😀😀 end"))
    (should (= (length (sent "strop/didPartiallyAccept")) 3))
    (should (= (length (sent "workspace/executeCommand")) 1))
    (should-not (ghost))))

(ert-deftest ghost-typed-text-counts-as-accepted-before-a-word ()
  (with-server "|"
    (keys "a")
    (offer (item "bc de"))
    (keys "b M-f")
    (should (equal (ghost) " de"))
    (should (equal (plist-get (car (sent "strop/didPartiallyAccept")) :acceptedLength) 2))))

(ert-deftest ghost-a-text-of-space-at-its-end-is-a-word ()
  (with-server "|"
    (keys "a")
    (offer (item "b\n"))
    (keys "M-f M-f")
    (should (equal (buffer-string) "ab\n"))
    (should (= (length (sent "workspace/executeCommand")) 1))))

(ert-deftest ghost-quitting-dismisses ()
  (with-server "|"
    (keys "a")
    (offer (item "b"))
    (keys "C-g")
    (should-not (ghost))
    (should (equal (buffer-string) "a"))
    (should (equal (sent "strop/didReject") (list (list :item (item "b")))))
    (should-not strop-ghost--timer)))

(ert-deftest ghost-other-candidates-each-told-when-shown ()
  (with-server "|"
    (keys "a")
    (offer (item "bx") (item "by") (item "cz"))
    (keys "M-n")
    (should (equal (ghost) "by"))
    (keys "M-n M-n")
    (should (equal (ghost) "bx"))
    (keys "M-p M-p")
    (should (equal (ghost) "by"))
    (keys "b M-n")                          ; cz does not begin with b
    (should (equal (ghost) "x"))
    (should (equal (mapcar (lambda (params) (plist-get (plist-get params :item) :insertText)) (sent "strop/didShow"))
                   '("bx" "by" "cz" "bx" "cz" "by" "bx")))
    (keys "TAB")
    (should (equal (sent "workspace/executeCommand") '((:command "strop.accept.1" :arguments ["bx"]))))))

(ert-deftest ghost-commands-without-ghost-text-say-so ()
  (with-server "a|"
    (dolist (command '(strop-ghost-accept strop-ghost-accept-word strop-ghost-dismiss strop-ghost-next
                                          strop-ghost-previous))
      (should (equal (should-error (call-interactively command) :type 'user-error)
                     '(user-error "No completion is shown"))))))

(ert-deftest ghost-an-item-without-a-command-is-only-inserted ()
  (with-server "|"
    (keys "a")
    (offer '(:insertText "b"))
    (keys "TAB")
    (should (equal (buffer-string) "ab"))
    (should-not (sent "workspace/executeCommand"))))

;;; An agent that is off

(ert-deftest ghost-an-agent-that-is-off-is-told-nothing ()
  (dolist (how '(refused silent))
    (let ((strop-server-patience 0.05))
      (with-server "|"
        (remhash server strop-server--modes)
        (strop-buffer-managed)
        (when (eq how 'refused)
          (funcall (nth 2 (assoc "strop/status" (played-open server))) "method not found"))
        (await "off" (eq (strop-server-mode server) 'off))
        (should (equal (strop--lighter) " Strop:off"))
        (let ((asked (length (sent "strop/status"))))
          (keys "a")
          (offer (item "bc def"))
          (should (equal (ghost) "bc def"))
          (keys "M-f")
          (should (equal (ghost) " def"))
          (keys "C-g")
          (strop--refresh)
          (should (= (length (sent "strop/status")) asked))
          (dolist (method '("strop/didShow" "strop/didPartiallyAccept" "strop/didReject"))
            (should-not (sent method)))
          (should-error (call-interactively #'strop-rate) :type 'user-error))))))

;;; Positions

(ert-deftest positions-are-in-the-units-that-were-agreed-upon ()
  (pcase-dolist (`(,encoding . ,column) '((nil . 5) ("utf-16" . 5) ("utf-8" . 8) ("utf-32" . 4)))
    (with-server "x\né😀ab|c"
      (setf (played-capabilities server) `(("positionEncoding" . ,encoding)))
      (should (equal (strop-server-position server) (list :line 1 :character column)))
      (should (= (strop-server-point server (list :line 1 :character column)) (point)))
      (should-not (strop-server-point server (list :line 0 :character 0)))
      (should (= (strop-server-point server (list :line 1 :character 99)) (line-end-position)))
      (narrow-to-region (1- (point)) (point))
      (should (equal (strop-server-position server) (list :line 1 :character column))))))

;;; ghost-test.el ends here
