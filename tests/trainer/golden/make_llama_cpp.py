#!/usr/bin/env python3
"""Writes llama_cpp.json: what llama.cpp completes with the adapter in round_trip/honed, greedily.

Twice, after llama.cpp's own conversion of the model that `strop-trainer export` merged, and of models/strop-tiny with the
adapter beside it; all in fp32. llama_cpp_test.cpp compares ours. Needs llama-cpp-python built from source, sentencepiece, a
build of ours, and the folder of llama.cpp that lies in its source (vendor/llama.cpp, for convert_*.py). Arguments: that folder,
the file to write, the program, the folder of the adapter.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import llama_cpp
import numpy

import make_round_trip

PROMPTS = ["def get_size(self):\n    return", "def get_depth(self):\n    return", "import os\nimport ",
           "class Record:\n    def __init__(self, name, value):\n        self."]
TOKENS = 16
F32 = 0
# The converter knows pre-tokenizers by a hash of the ids that they make of a text, which no other vocabulary gives: ours is
# Qwen2's.
CONVERT = """
import runpy, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/gguf-py"]
from conversion.base import TextModel
TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"
script = sys.argv[1] + "/" + sys.argv[2]
sys.argv = [script] + sys.argv[3:]
runpy.run_path(script, run_name="__main__")
"""


def complete(gguf, lora):
    model = llama_cpp.Llama(gguf, lora_path=lora, n_ctx=256, n_threads=1, n_threads_batch=1, type_k=F32, type_v=F32,
                            flash_attn=False, logits_all=True, verbose=False)
    out = []
    for prompt in PROMPTS:
        ids = model.tokenize(prompt.encode(), add_bos=False)
        greedy = []
        model.reset()
        model.eval(ids)
        for _ in range(TOKENS):
            greedy.append(int(numpy.argmax(model.scores[model.n_tokens - 1])))
            model.eval(greedy[-1:])
        out.append({"prompt": ids, "greedy": greedy, "text": model.detokenize(greedy).decode(errors="replace")})
    return out


def main(source, out, program, adapter):
    def convert(script, *arguments):
        subprocess.run([sys.executable, "-c", CONVERT, source, script, *arguments, "--outtype", "f32"], check=True,
                       stderr=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as work:
        merged = os.path.join(work, "merged")
        ggufs = {name: os.path.join(work, name + ".gguf") for name in ("merged", "base", "lora")}
        subprocess.run([program, "export", "--model", make_round_trip.TINY, "--adapter", adapter, "--out", merged], check=True)
        convert("convert_hf_to_gguf.py", merged, "--outfile", ggufs["merged"])
        convert("convert_hf_to_gguf.py", make_round_trip.TINY, "--outfile", ggufs["base"])
        convert("convert_lora_to_gguf.py", adapter, "--base", make_round_trip.TINY, "--outfile", ggufs["lora"])
        runs = {"merged": complete(ggufs["merged"], None), "adapter": complete(ggufs["base"], ggufs["lora"]),
                "base": complete(ggufs["base"], None)}
    with open(out, "w", encoding="utf-8") as file:
        text = json.dumps({"versions": {"llama-cpp-python": llama_cpp.__version__}, "prompts": PROMPTS, "runs": runs}, indent=1)
        file.write(re.sub(r"\[\s+(\d[\d,\s]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text) + "\n")


if __name__ == "__main__":
    given = sys.argv[1:] + [None] * 4
    main(given[0], given[1] or os.path.join(make_round_trip.HERE, "llama_cpp.json"), given[2] or make_round_trip.PROGRAM,
         given[3] or os.path.join(make_round_trip.HERE, "round_trip", "honed"))
