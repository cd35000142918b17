#!/usr/bin/env python3
"""Compares our token ids with those of Hugging Face tokenizers on the files of a machine and on fuzzed text.

    compare_tokenizers.py --program build/dev/tests/strop_token_ids FOLDER ...

Trains each family's pipeline on a sample of the files (see tokenizer_families.py), then encodes every text by both and decodes
ours: ids must be the same, and the decoded text that of the library. Then the same texts and code points by a vocabulary that
was trained without the family's splits, so that each of them shows in the ids. Files that are no UTF-8 are read with replacement
characters, since the library takes text alone. Exit code 1 when anything differs. Needs the `tokenizers` package.
"""
import argparse
import os
import random
import struct
import subprocess
import sys
import tempfile

from tokenizer_families import FAMILIES, NASTY, fuzzed

SOURCE = (".h", ".hpp", ".c", ".cpp", ".py", ".js", ".ts", ".md", ".txt", ".lua", ".vim", ".pm", ".pl", ".el", ".po", ".json", ".sh",
          ".java", ".go", ".rs", ".css", ".html", ".xml", ".rst")


def files_below(folders, count, largest):
    found = []
    for folder in folders:
        for place, _, names in os.walk(folder):
            paths = (os.path.join(place, name) for name in names if name.endswith(SOURCE))
            found += [path for path in paths if os.path.isfile(path) and not os.path.islink(path)
                      and 0 < os.path.getsize(path) <= largest]
    random.Random(1).shuffle(found)
    return found[:count]


def read(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


def code_points():
    """Every code point of the first four planes, some of the others, with letters, digits and blanks beside it."""
    codes = [c for c in [*range(0x40000), *range(0x40000, 0x110000, 257)] if not 0xD800 <= c < 0xE000]
    for begin in range(0, len(codes), 16):
        yield "".join(f"a{chr(c)}b {chr(c)}1 .{chr(c)} " for c in codes[begin:begin + 16])


def ours(program, tokenizer, texts):
    """(ids, decoded text) of each text."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("tokenizer.json", "in", "out")]
        tokenizer.save(paths[0])
        with open(paths[1], "wb") as file:
            for text in texts:
                data = text.encode()
                file.write(struct.pack("<I", len(data)) + data)
        subprocess.run([program, *paths], check=True)
        with open(paths[2], "rb") as file:
            data = file.read()
    at = 0
    for _ in texts:
        size, = struct.unpack_from("<I", data, at)
        ids = list(struct.unpack_from(f"<{size}i", data, at + 4))
        at += 4 + 4 * size
        length, = struct.unpack_from("<I", data, at)
        yield ids, data[at + 4:at + 4 + length].decode("utf-8", "replace")
        at += 4 + length


def differences(name, tokenizer, program, texts):
    wrong = tokens = 0
    step = 2000
    for begin in range(0, len(texts), step):
        part = texts[begin:begin + step]
        wanted = tokenizer.encode_batch(part, add_special_tokens=False)
        for text, reference, (ids, decoded) in zip(part, wanted, ours(program, tokenizer, part)):
            tokens += len(ids)
            if ids == reference.ids and decoded == tokenizer.decode(ids, skip_special_tokens=False):
                continue
            wrong += 1
            if wrong <= 3:
                at = next((i for i, (a, b) in enumerate(zip(ids, reference.ids)) if a != b), min(len(ids), len(reference.ids)))
                print(f"{name}: differs at token {at} of {text[:60]!r}:\n  ours   {[tokenizer.id_to_token(i) for i in ids[max(0, at - 3):at + 5]]}\n"
                      f"  theirs {reference.tokens[max(0, at - 3):at + 5]}", file=sys.stderr)
    return wrong, tokens


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--files", type=int, default=12000)
    parser.add_argument("--fuzzed", type=int, default=20000)
    parser.add_argument("--vocab", type=int, default=16000)
    parser.add_argument("--largest", type=int, default=100_000, help="bytes; larger files are left out")
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--save", help="folder for the trained tokenizers")
    parser.add_argument("folders", nargs="+")
    args = parser.parse_args()
    paths = files_below(args.folders, args.files, args.largest)
    texts = [read(path) for path in paths]
    hard = NASTY + [fuzzed(seed) for seed in range(args.fuzzed)]
    points = list(code_points())
    bad = False
    for name in args.family or FAMILIES:
        tokenizer = FAMILIES[name].train(texts[:1500] + hard[:500], args.vocab)
        if args.save:
            os.makedirs(args.save, exist_ok=True)
            tokenizer.save(os.path.join(args.save, name + ".json"))
        found = [differences(name, tokenizer, args.program, kind) for kind in (texts, hard)]
        unsplit = FAMILIES[name].train(hard[:1000] + points, args.vocab, split=False)
        found += [differences(name, unsplit, args.program, hard + points)]
        print(f"{name}: {found[0][0]} of {len(texts)} files, {found[1][0]} of {len(hard)} fuzzed texts, {found[2][0]} of "
              f"{len(hard) + len(points)} of these and code points, splits visible, differ ({sum(f[1] for f in found)} tokens)",
              flush=True)
        bad |= any(f[0] for f in found)
    sys.exit(bad)


main()
