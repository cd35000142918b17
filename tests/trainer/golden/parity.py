#!/usr/bin/env python3
"""The parity table against what is installed here: fresh goldens from TRL, PEFT and transformers, then our test on them.

Takes what make_trajectory.py and make_round_trip.py need, and a build (./dev test makes one); llama.cpp is among
them where LLAMA_CPP names the folder that make_llama_cpp.py wants. Nothing of the repository is changed. Exit code: of the test. Argument: the build folder.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file

import make_round_trip
import make_trajectory

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = sys.argv[1] if len(sys.argv) > 1 else os.path.join(make_round_trip.ROOT, "build", "dev")


@torch.no_grad()
def compute_logits(folder):
    """Of the checkpoints that make_golden.py made, by the transformers that is installed."""
    for name in sorted(os.listdir(folder)):
        checkpoint = os.path.join(folder, name)
        if not os.path.exists(os.path.join(checkpoint, "model.safetensors")):
            continue
        path = os.path.join(checkpoint, "expected.safetensors")
        tokens = load_file(path)["tokens"]
        model = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
        save_file({"tokens": tokens, "logits": model(tokens).logits.float().contiguous()}, path)
    with open(os.path.join(folder, "versions.json"), "w", encoding="utf-8") as file:
        file.write(f'{{"transformers": "{transformers.__version__}"}}\n')


with tempfile.TemporaryDirectory() as work:
    fresh = os.path.join(work, "golden")
    shutil.copytree(HERE, fresh)
    compute_logits(fresh)
    make_trajectory.main(os.path.join(fresh, "trajectory"))
    program, adapter = os.path.join(BUILD, "bin", "strop-trainer"), os.path.join(fresh, "round_trip", "honed")
    make_round_trip.main(os.path.join(fresh, "round_trip"), program)
    arguments = ["--gtest_brief=1"]
    if "LLAMA_CPP" in os.environ:
        import make_llama_cpp
        make_llama_cpp.main(os.environ["LLAMA_CPP"], os.path.join(fresh, "llama_cpp.json"), program, adapter)
    else:
        arguments.append("--gtest_filter=-*LlamaCpp*")
    test = os.path.join(BUILD, "tests", "trainer_parity_test")
    sys.exit(subprocess.run([test, *arguments], env=os.environ | {"STROP_GOLDEN": fresh}, check=False).returncode)
