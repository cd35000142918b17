#!/usr/bin/env python3
"""Writes tokenizers/: a small tokenizer.json of each family's pipeline, texts, and the ids that Hugging Face tokenizers gives them.

Trained on this repository's sources, so the vocabularies change with them; the ids are always of the vocabularies beside them.
Of what a family decodes only what is not the text itself is kept. Made with tokenizers 0.22.2.
"""
import json
import os
import subprocess

from tokenizer_families import FAMILIES, NASTY, fuzzed

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "tokenizers")
VOCAB = 640
FUZZED = 120


def sources():
    root = os.path.join(HERE, "..", "..", "..")
    names = subprocess.run(["git", "-C", root, "ls-files", "*.cpp", "*.h", "*.md", "*.lua", "*.ts"], check=True, capture_output=True,
                           text=True).stdout.split()
    for name in names:
        with open(os.path.join(root, name), encoding="utf-8") as file:
            yield file.read()


def write(name, what):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        json.dump(what, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


def main():
    os.makedirs(FOLDER, exist_ok=True)
    trained_on = list(sources())
    texts = NASTY + [fuzzed(seed, longest=40) for seed in range(FUZZED)] + [text[:1500] for text in trained_on[::60]]
    write("texts.json", texts)
    for name, family in FAMILIES.items():
        tokenizer = family.train(trained_on + texts, VOCAB)
        write(name + ".json", json.loads(tokenizer.to_str()))
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        decoded = [tokenizer.decode(one, skip_special_tokens=False) for one in ids]
        write(name + ".ids.json", {
            "start": tokenizer.encode("", add_special_tokens=True).ids, "ids": ids,
            "decoded": {str(i): text for i, text in enumerate(decoded) if text != texts[i]}})


main()
