#!/usr/bin/env python3
"""Times Hugging Face tokenizers on one thread.

    time_tokenizers.py TOKENIZER_JSON FOLDER --out RESULT.json

Tells megabytes a second of processor time, and the number of tokens; of encode, encode_batch and encode_batch_fast (which
keeps no offsets) the fastest, each at its best of three rounds, so that the library's cache is warm.
"""
import argparse
import json
import os
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402 (it reads the environment)


def fastest(tokenizer_json, folder):
    tokenizer = tokenizers.Tokenizer.from_file(tokenizer_json)
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
    return {"speed": best, "tokens": tokens, "versions": {"tokenizers": tokenizers.__version__}}


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("tokenizer_json")
arguments.add_argument("folder")
arguments.add_argument("--out", required=True)
given = arguments.parse_args()
with open(given.out, "w") as file:
    json.dump(fastest(given.tokenizer_json, given.folder), file)
