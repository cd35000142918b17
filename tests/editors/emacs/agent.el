;;; agent.el --- What holds under every LSP client, with the real agent  -*- lexical-binding: t -*-

;;; Commentary:

;; A client's test loads this and defines `open-file', which has its client take a file in a mode, and how a menu of
;; completions is used.  Each test types on a line of its own and completes with a text of its own.

;;; Code:

(require 'support)
(require 'strop)
(require 'strop-ghost)

(defun open-file (_file _mode) (error "The client's test defines this"))

(setq strop-agent-program test-agent
      strop-alone-modes '(text-mode)
      strop-ghost-delay 0.05)

(defun configure-all (&rest more)
  "Full capture of the project, MORE lines behind."
  (apply #'configure "mode = \"full\"" "[privacy]"
         (format "workspaces = [\"%s\"]" (directory-file-name test-project)) more))

;;; Popup completions of a real server

(defconst shapes '("struct Widget { int display_name; int display_order; int compute_area(); };"
                   "void use(Widget w) {"
                   ""))

(defun complete-the-only () (error "The client's test defines this"))
(defun complete-display-order () (error "The client's test defines this"))

(ert-deftest clangd-accepts-from-the-menu-are-captured ()
  (configure-all)
  (open-file (apply #'project-file "shapes.cpp" shapes) #'c++-mode)
  (should (equal (strop-server-get strop--status "capturing") "full"))
  (should (equal (substring-no-properties (strop--lighter)) " Strop"))
  (should-not strop-ghost-mode)                         ; nobody completes inline
  (goto-char (point-max))
  (type "w.comp")
  (complete-the-only)
  (should (string-match-p "w\\.compute_area\\'" (buffer-string)))
  (type "();")
  (keys "RET")
  (type "w.disp")
  (complete-display-order)
  (should (looking-back "w\\.display_order" nil))
  (type " = 3;")
  (keys "RET")
  (save-buffer)
  (let ((accepted (lambda ()
                    (mapcar (lambda (event) (replace-regexp-in-string "(.*" "" (field event 'text)))
                            (seq-filter (lambda (event) (and (equal (field event 'outcome) "accepted")
                                                             (equal (field event 'server) "clangd")))
                                        (of-type "outcome"))))))
    (await "the accepts" (seq-set-equal-p (funcall accepted) '("compute_area" "display_order"))))
  (dolist (event (of-type "outcome"))
    (when (equal (field event 'server) "clangd")
      (should (equal (field event 'source) "popup")))))

;;; Ghost text of a model

(defvar completions nil "Texts, by what the prompt ends with.")

(defun model-knows (request)
  "Return the texts that complete REQUEST."
  (cdr (seq-find (lambda (one) (string-suffix-p (car one) (alist-get 'prompt request))) completions)))

(setq model-answers #'model-knows)
(defconst model-url (model-start))
(defvar notes nil "The buffer that all of these type in.")

(defun on-a-new-line ()
  "Go to a new line of the notes, which an agent with a provider has."
  (unless (buffer-live-p notes)
    (configure-all "[provider]" (format "url = \"%s\"" model-url) "candidates = 2")
    (open-file (project-file "notes.txt" "notes") #'text-mode)
    (setq notes (current-buffer))
    (should strop-ghost-mode)
    (should (equal (strop-server-get strop--status "provider" "url") model-url)))
  (switch-to-buffer notes)
  (goto-char (point-max))
  (keys "RET"))

(defun ghost ()
  "Return the ghost text, or nil."
  (and strop-ghost--shown (substring-no-properties (overlay-get strop-ghost--overlay 'after-string))))

(defun type-and-see (typed &rest texts)
  "Type TYPED on a new line, for which the model has TEXTS, and wait until the first is shown."
  (on-a-new-line)
  (setq completions (list (cons typed texts)))
  (type typed)
  (await "ghost text" (ghost))
  (should (equal (ghost) (car texts))))

(defun look-for-a-while ()
  "What is shown for less than half a second was not seen, whatever comes of it."
  (let ((since (float-time)))
    (await "0.6 s of display" (> (float-time) (+ since 0.6)))))

(defun line () (buffer-substring-no-properties (line-beginning-position) (line-end-position)))

(ert-deftest model-accept ()
  (type-and-see "an accept: " "one two")
  (keys "TAB")
  (should (equal (line) "an accept: one two"))
  (should-come-out "one two" 'outcome "accepted" 'evidence "command" 'text "one two")
  (should (seq-find (lambda (event)
                      (and (equal (field event 'suggestion) (offered-as "one two"))
                           (equal (field event 'presence) "rendered")))
                    (of-type "shown"))))

(ert-deftest model-accept-another-candidate ()
  (type-and-see "candidates: " "left hand" "right hand")
  (keys "M-n")
  (should (equal (ghost) "right hand"))
  (keys "TAB")
  (should (equal (line) "candidates: right hand"))
  (should-come-out "right hand" 'outcome "accepted" 'evidence "command" 'text "right hand" 'candidate 1))

(ert-deftest model-accept-a-word ()
  (type-and-see "words: " "two 😀 more")
  (keys "M-f")
  (should (equal (line) "words: two"))
  (should (equal (ghost) " 😀 more"))
  (look-for-a-while)
  (keys "! RET")
  (should-come-out "two 😀 more" 'outcome "partial" 'evidence "editor" 'text "two" 'accepted_chars 3))

(ert-deftest model-dismiss ()
  (type-and-see "a dismissal: " "not this one")
  (keys "C-g")
  (should-not (ghost))
  (should (equal (line) "a dismissal: "))
  (should-come-out "not this one" 'outcome "dismissed" 'how "explicit" 'evidence "editor"))

(ert-deftest model-type-through ()
  (type-and-see "through: " "typed")
  (look-for-a-while)
  (type "typ")
  (should (equal (ghost) "ed"))
  (type "ed ")
  (should-come-out "typed" 'outcome "typed_through" 'text "typed"))

(ert-deftest model-type-over ()
  (type-and-see "over: " "wrong again")
  (look-for-a-while)
  (type "right ")
  (should-not (ghost))
  (should-come-out "wrong again" 'outcome "dismissed" 'how "typed_over"))

(ert-deftest model-move-away ()
  (type-and-see "away: " "looked at")
  (look-for-a-while)
  (keys "M-<")
  (should-not (ghost))
  (type "more ")
  (should-come-out "looked at" 'outcome "ignored" 'how "moved_away"))

(ert-deftest model-rate ()
  (type-and-see "rated: " "good and bad")
  (keys "TAB")
  (should-come-out "good and bad" 'outcome "accepted")
  (keys "M-x strop-rate RET correctness RET good RET best_practices RET neither RET security RET bad RET RET reads SPC badly RET")
  (let ((rated (await "the rating"
                 (seq-find (lambda (event) (equal (field event 'suggestion) (offered-as "good and bad")))
                           (of-type "rated")))))
    (should (equal (field rated 'reason) "reads badly"))
    (should (equal (sort (field rated 'dimensions) (lambda (a b) (string< (car a) (car b))))
                   '((best_practices . 0) (correctness . 1) (security . -1))))))

(ert-deftest model-pause-and-resume ()
  (on-a-new-line)
  (keys "M-x strop-pause RET")
  (await "the pause" (equal (substring-no-properties (strop--lighter)) " Strop:paused"))
  (let ((before (length (events)))
        (asked (length model-requests)))
    (setq completions '(("paused: " "secret")))
    (type "paused: ")
    (await "the request and its answer" (not (or strop-ghost--timer strop-ghost--cancel)))
    (should-not (ghost))
    (should (equal (strop-server-get strop--status "rule") "paused"))
    (should (= (length model-requests) asked))
    (should (= (length (events)) before)))
  (keys "M-x strop-resume RET")
  (await "the end of it" (equal (substring-no-properties (strop--lighter)) " Strop"))
  (type-and-see "resumed: " "seen again")
  (keys "TAB")
  (should-come-out "seen again" 'outcome "accepted")
  (should-not (offered-as "secret")))

(ert-deftest model-inspect-and-doctor ()
  (type-and-see "inspected: " "as it leaves")
  (keys "TAB")
  (should-come-out "as it leaves" 'outcome "accepted")
  (save-window-excursion
    (keys "M-x strop-inspect RET")
    (should (equal (buffer-name) "*Strop inspect*"))
    (await "the records" (string-match-p "captured +[1-9]" (buffer-string)))
    (should (string-match-p "^#[0-9]+ .* by rule consent:" (buffer-string)))
    (should (string-match-p "\"text\":\"as it leaves\"" (buffer-string)))
    (let ((records (alist-get 'records (json-parse-string (run-agent "inspect" "--json") :object-type 'alist))))
      (should (string-search (alist-get 'bytes (aref records 0)) (buffer-string))))
    (keys "g")
    (await "them anew" (string-match-p "captured +[1-9]" (buffer-string))))
  (save-window-excursion
    (keys "M-x strop-doctor RET")
    (await "the answer" (string-match-p "mode is full" (buffer-string)))))

;;; An agent that will not start

(defun should-show-a-refusal (name)
  "Check that what the agent complains of is shown as the client starts it for the file NAME."
  (configure "mode = \"nonsense\"")
  (when (get-buffer "*Warnings*") (kill-buffer "*Warnings*"))
  (let ((test-patience 1))                              ; for a status that does not come
    (ignore-errors (open-file (project-file name "") #'text-mode)))
  (await "the warning"
    (and (get-buffer "*Warnings*")
         (with-current-buffer "*Warnings*" (string-match-p "strop-agent: .*mode" (buffer-string)))))
  (configure-all))

(ert-deftest refusal-of-the-agent-is-shown () (should-show-a-refusal "refused/a.txt"))

(provide 'agent)
;;; agent.el ends here
