#!/usr/bin/env python3
"""Writes what tokenizers are timed on: texts, and a tokenizer of Qwen2's published pipeline that was trained on them.

    make_corpus.py FOLDER [--megabytes 4] [--entries 32000]

FOLDER/corpus: the sources of Python's own library in the order of their paths, those that are UTF-8, until there are as many
bytes. FOLDER/tokenizer.json: NFC, the expression that splits, byte-level BPE. The same Python writes the same files.
"""
import argparse
import pathlib
import shutil
import sysconfig

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def is_utf8(path):
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def copy_sources(folder, size):
    library = pathlib.Path(sysconfig.get_paths()["stdlib"])
    copied = []
    for path in sorted(library.rglob("*.py")):
        place = path.relative_to(library)
        if size <= 0:
            break
        if {"site-packages", "dist-packages"} & set(place.parts) or not path.stat().st_size or not is_utf8(path):
            continue
        copied.append(folder / place)
        copied[-1].parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied[-1])
        size -= path.stat().st_size
    return copied


def trained_on(paths, entries):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=entries, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train([str(path) for path in paths], trainer)
    return tokenizer


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("folder", type=pathlib.Path)
arguments.add_argument("--megabytes", type=float, default=4)
arguments.add_argument("--entries", type=int, default=32000)
given = arguments.parse_args()
sources = copy_sources(given.folder / "corpus", given.megabytes * 1e6)
trained_on(sources, given.entries).save(str(given.folder / "tokenizer.json"))
