;;; run.el --- Runs one file of the tests of the Emacs package  -*- lexical-binding: t -*-

;;; Commentary:

;; STROP_BIN_DIR=build/dev/bin emacs --batch -q -l tests/editors/emacs/run.el FILE

;;; Code:

;; Emacs begins in "~/…" where that is below the home folder, and the tests have homes of their own.
(setq default-directory (expand-file-name default-directory))

(let ((folder (file-name-directory load-file-name))
      (file (pop command-line-args-left)))
  (load (expand-file-name "support" folder) nil t)
  (load (expand-file-name file folder) nil t)
  (ert-run-tests-batch-and-exit))

;;; run.el ends here
