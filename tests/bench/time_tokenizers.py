#!/usr/bin/env python3
"""Times Hugging Face tokenizers on one thread: time_tokenizers.py TOKENIZER_JSON FOLDER.

Prints megabytes a second of processor time, and the number of tokens; of encode, encode_batch and encode_batch_fast (which
keeps no offsets) the fastest, each at its best of three rounds, so that the library's cache is warm.
"""
import os
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import Tokenizer  # noqa: E402 (it reads the environment)


def main(tokenizer_json, folder):
    tokenizer = Tokenizer.from_file(tokenizer_json)
    paths = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    texts = []
    for path in paths:
        with open(path, "rb") as file:
            texts.append(file.read().decode("utf-8"))
    size = sum(len(text.encode()) for text in texts)
    ways = [lambda: [tokenizer.encode(text, add_special_tokens=False) for text in texts],
            lambda: tokenizer.encode_batch(texts, add_special_tokens=False),
            lambda: tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    best = tokens = 0
    for way in ways:
        for _ in range(3):
            begin = time.process_time()
            encoded = way()
            best = max(best, size / 1e6 / (time.process_time() - begin))
            tokens = sum(len(one.ids) for one in encoded)
    print(best, tokens)


main(*sys.argv[1:])
