#!/usr/bin/env python3
"""Writes peft_adapter.json: what PEFT itself writes for the adapter that adapter_peft_test.cpp builds too.

The model is the tiny Llama of tiny_model.h and the targets are the trainer's own; weights do not matter, for only
names, shapes, types and fields are recorded. Needs torch, transformers, peft and safetensors (made with the versions
in the file); run only to look at a newer PEFT.
"""
import json
import os
import tempfile

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
RANK, ALPHA, DROPOUT = 16, 32, 0.0
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
MODEL = dict(vocab_size=50, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True)

torch.manual_seed(3)
model = get_peft_model(
    LlamaForCausalLM(LlamaConfig(**MODEL)),
    LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=DROPOUT, target_modules=TARGETS, task_type="CAUSAL_LM"))
tensors = {}
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder)
    with open(os.path.join(folder, "adapter_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with safe_open(os.path.join(folder, "adapter_model.safetensors"), "pt") as file:
        metadata = file.metadata()
        for name in sorted(file.keys()):
            tensor = file.get_slice(name)
            tensors[name] = {"dtype": tensor.get_dtype(), "shape": list(tensor.get_shape())}
# PEFT keeps it as a set, whose order differs from run to run.
config["target_modules"] = sorted(config["target_modules"])

golden = {
    "versions": {"peft": peft.__version__, "transformers": transformers.__version__,
                 "torch": torch.__version__.split("+")[0]},
    "lora": {"rank": RANK, "alpha": ALPHA, "dropout": DROPOUT, "targets": TARGETS},
    "model": MODEL,
    "config": config,
    "metadata": metadata,
    "tensors": tensors,
}
path = os.path.join(HERE, "peft_adapter.json")
with open(path, "w", encoding="utf-8") as file:
    # One tensor a line: short enough to read, and a change shows as one line.
    lines = json.dumps({**golden, "tensors": {}}, indent=1, sort_keys=True)
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(tensor)}" for name, tensor in tensors.items())
    file.write(lines.replace('"tensors": {}', '"tensors": {\n' + rows + "\n }") + "\n")
print(path, len(tensors), "tensors,", os.path.getsize(path), "bytes")
