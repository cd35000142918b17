#!/usr/bin/env python3
"""Trains a LoRA adapter by TRL's DPOTrainer on the pairs that strop-trainer has learnt from, and tells what it took.

    train_dpo.py FOLDER --settings defaults|best --order ORDER.json --out RESULT.json [--dtype float32|bfloat16] [--device cpu]

FOLDER is what make_inputs.py wrote. Adapter, optimizer, rate and the order of the pairs are Strop's in the bench, so that the
losses can be compared; ORDER.json has {"epochs": [[pair, …], …], "batch": pairs a step, "seed", "rank", "alpha",
"learning_rate", "beta", "clip"}. The clock runs from before the trainer is made (it tokenizes and scores the reference then)
to the end of training: neither imports nor the loading of the model count.

defaults: what DPOConfig has, but for max_length, whose 1,024 would cut the whole completion off, for precision, which is
asked for, and for a batch of fewer pairs than its 8.
best: the reference scored once, no activation checkpointing; in bfloat16 the base's weights too are kept in it.
"""
import argparse
import json
import math
import resource
import time

import torch
from datasets import load_dataset
from peft import LoraConfig
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Losses(TrainerCallback):
    def __init__(self):
        self.values = []

    def on_log(self, arguments, state, control, logs=None, **_):
        if logs and "loss" in logs:
            self.values.append(logs["loss"])


class Trainer(DPOTrainer):
    def _get_train_sampler(self, *_, **__):
        return SequentialSampler(self.train_dataset)  # the rows are in order already


def start_adapter_as_strop_does(model, seed):
    """A of each projection in the order of the layers, from LibTorch's generator: the same numbers in both programs."""
    torch.manual_seed(seed)
    for layer in model.base_model.model.model.layers:
        for block, names in ((layer.self_attn, PROJECTIONS[:4]), (layer.mlp, PROJECTIONS[4:])):
            for name in names:
                weight = getattr(block, name).lora_A["default"].weight
                drawn = torch.empty(weight.shape, dtype=torch.float32)
                torch.nn.init.kaiming_uniform_(drawn, a=math.sqrt(5))
                weight.data.copy_(drawn)


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("folder")
arguments.add_argument("--settings", choices=["defaults", "best"], required=True)
arguments.add_argument("--order", required=True)
arguments.add_argument("--out", required=True)
arguments.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
arguments.add_argument("--device", default="cpu")
arguments.add_argument("--micro-batch", type=int, default=8, help="of best: pairs at once; the rest of a batch is accumulated")
arguments.add_argument("--threads", type=int, default=0)
given = arguments.parse_args()
if given.threads:
    torch.set_num_threads(given.threads)
with open(given.order) as file:
    order = json.load(file)

tokenizer = AutoTokenizer.from_pretrained(f"{given.folder}/base")
best = given.settings == "best"
weights = torch.bfloat16 if best and given.dtype == "bfloat16" else torch.float32
model = AutoModelForCausalLM.from_pretrained(f"{given.folder}/base", dtype=weights).to(given.device)
pairs = load_dataset("json", data_files=f"{given.folder}/trl.jsonl", split="train", cache_dir=f"{given.out}.cache")
pairs = pairs.select([pair for epoch in order["epochs"] for pair in epoch])
micro = min(given.micro_batch if best else DPOConfig.per_device_train_batch_size, order["batch"])
config = DPOConfig(
    output_dir=f"{given.out}.run", use_cpu=given.device == "cpu", bf16=given.dtype == "bfloat16", max_length=None,
    per_device_train_batch_size=micro, gradient_accumulation_steps=order["batch"] // micro, num_train_epochs=1,
    learning_rate=order["learning_rate"], lr_scheduler_type="constant", warmup_steps=0, adam_beta2=0.95, weight_decay=0.0,
    max_grad_norm=order["clip"], beta=order["beta"], logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True,
    precompute_ref_log_probs=best, **({"gradient_checkpointing": False} if best else {}))
losses = Losses()
began, processor = time.monotonic(), time.process_time()
trainer = Trainer(model=model, args=config, train_dataset=pairs, processing_class=tokenizer, callbacks=[losses],
                  peft_config=LoraConfig(r=order["rank"], lora_alpha=order["alpha"], target_modules=PROJECTIONS, lora_dropout=0.0,
                                         task_type="CAUSAL_LM"))
start_adapter_as_strop_does(trainer.model, order["seed"])
trainer.train()
seconds = time.monotonic() - began
with open(given.out, "w") as file:
    import accelerate
    import peft
    import transformers
    import trl
    json.dump({"seconds": seconds, "processor_seconds": time.process_time() - processor, "pairs": len(pairs),
               "losses": losses.values, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
               "device_peak_mib": torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None,
               "micro_batch": micro,
               "versions": {module.__name__: module.__version__ for module in (torch, transformers, trl, peft, accelerate)}},
              file, indent=1)
