#!/usr/bin/env python3
"""Writes round_trip/: adapters that went from PEFT to us and from us to PEFT, and the logits that PEFT computes with each.

FAMILY/: an adapter with random weights that PEFT saved, for the tiny checkpoint FAMILY beside this file. honed/: one that
`strop-trainer dpo` trained on models/strop-tiny, with what PEFT computes with it, and what transformers computes from the
model that `strop-trainer export` merged. adapter_round_trip_test.cpp compares ours. Needs peft, transformers, torch,
safetensors and a build. Arguments: the folder to write, the program.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PROGRAM = os.path.join(ROOT, "build", "dev", "bin", "strop-trainer")
TINY = os.path.join(ROOT, "models", "strop-tiny")
LLAMA = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
FAMILIES = {"llama": LLAMA, "mistral": LLAMA, "qwen2": LLAMA, "qwen3": LLAMA,
            "starcoder2": ["q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"]}
RECIPE = """[data]
context = 96
[objective]
preference = 1.0
[adapter]
rank = 2
alpha = 4
[train]
learning_rate = 2e-2
epochs = 8
batch = 4
"""


def base(path):
    return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def logits(model, tokens):
    return model.eval()(tokens).logits.float().contiguous()


def of_peft(out):
    for name, targets in FAMILIES.items():
        checkpoint, folder = os.path.join(HERE, name), os.path.join(out, name)
        torch.manual_seed(4)
        lora = peft.LoraConfig(r=2, lora_alpha=5, lora_dropout=0.0, target_modules=targets, task_type="CAUSAL_LM",
                               init_lora_weights=False)  # B is random too
        model = peft.get_peft_model(base(checkpoint), lora)
        model.save_pretrained(folder)
        os.remove(os.path.join(folder, "README.md"))
        tokens = load_file(os.path.join(checkpoint, "expected.safetensors"))["tokens"]
        save_file({"tokens": tokens, "logits": logits(model, tokens)}, os.path.join(folder, "expected.safetensors"))


def of_ours(out, program):
    honed = os.path.join(out, "honed")
    with tempfile.TemporaryDirectory() as work:
        recipe, pairs, merged = (os.path.join(work, name) for name in ("recipe.toml", "pairs.jsonl", "merged"))
        with open(recipe, "w", encoding="utf-8") as file:
            file.write(RECIPE)
        with open(pairs, "w", encoding="utf-8") as file:
            for i, name in enumerate(["size", "name", "path", "color", "width", "owner", "title", "value"]):
                file.write(json.dumps({
                    "v": 1, "id": str(i), "language": "python", "repo": "r", "path_ext": ".py", "kind": "typed_instead",
                    "prefix": f"def get_{name}(self):\n    return", "suffix": "", "chosen": f" self._store.fetch(\"{name}\")",
                    "rejected": f" self.{name}", "epsilon": 0.0, "weight": 1.0, "contributor": "c", "model": "m",
                    "prompt": "exact", "split": "train", "t": 0, "events": ["e"], "dimensions": {}}) + "\n")
        trained = os.path.join(work, "trained")
        subprocess.run([program, "dpo", recipe, "--base", TINY, "--pairs", pairs, "--out", trained, "--threads", "1"],
                       check=True, stderr=subprocess.DEVNULL)
        subprocess.run([program, "export", "--model", TINY, "--adapter", trained, "--out", merged], check=True)
        os.makedirs(honed)
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            shutil.copy(os.path.join(trained, name), honed)
        tokens = AutoTokenizer.from_pretrained(TINY)("def get_size(self):\n    return", return_tensors="pt").input_ids
        with_peft = peft.PeftModel.from_pretrained(base(TINY), trained)
        save_file({"tokens": tokens, "logits": logits(with_peft, tokens), "merged": logits(base(merged), tokens),
                   "base": logits(base(TINY), tokens)}, os.path.join(honed, "expected.safetensors"))
    # What the adapter was trained on is nobody's path.
    config = os.path.join(honed, "adapter_config.json")
    with open(config, encoding="utf-8") as file:
        text = file.read().replace(json.dumps(TINY), '"models/strop-tiny"')
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)


def main(out, program):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    of_peft(out)
    of_ours(out, program)
    versions = {module.__name__: module.__version__.split("+")[0] for module in (peft, transformers, torch)}
    with open(os.path.join(out, "versions.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(versions) + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "round_trip"), sys.argv[2] if len(sys.argv) > 2 else PROGRAM)
