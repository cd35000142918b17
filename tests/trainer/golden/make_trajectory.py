#!/usr/bin/env python3
"""Writes trajectory/: 50 steps of LoRA DPO by TRL, one run for every preference term, on the tiny llama beside this file.

data.json has the token ids that TRL trained on, in order; initial/ the adapter that every run begins with, as PEFT
saved it; final/ the one that the sigmoid run ends with; trl.json the settings, the versions, and per step the loss, the
rewards, the norm of the gradients before clipping and the learning rate. trajectory_test.cpp runs ours on the same.
Needs trl, peft, transformers, tokenizers, datasets, torch, on a CPU. An argument names another folder to write.
"""
import json
import os
import random
import shutil
import sys
import tempfile

import datasets
import peft
import tokenizers
import torch
import transformers
import trl
from trl.experimental.cpo import CPOConfig, CPOTrainer

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "llama")
EOS = 95  # also pads
BATCH, PAIRS, EPOCHS = 4, 100, 2
TRAIN = dict(learning_rate=4e-3, lr_scheduler_type="cosine_with_min_lr", lr_scheduler_kwargs={"min_lr_rate": 0.05},
             warmup_steps=0, adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, weight_decay=0.01, max_grad_norm=0.5,
             per_device_train_batch_size=BATCH, num_train_epochs=EPOCHS)
LORA = dict(r=4, lora_alpha=8, lora_dropout=0.0, task_type="CAUSAL_LM",
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
RUNS = {
    "sigmoid": dict(beta=0.1), "hinge": dict(beta=0.1), "ipo": dict(beta=0.1), "sigmoid_norm": dict(beta=2.0),
    "robust": dict(beta=0.1, label_smoothing=0.1), "apo_zero": dict(beta=0.1),
    "rpo": dict(beta=0.1, loss_type=["sigmoid", "sft"], loss_weights=[1.0, 0.5]),
    "simpo": dict(beta=2.0, simpo_gamma=0.5, cpo_alpha=0.0),
}


def make_pairs():
    """The chosen ones lean to low ids, so that there is something to learn. Within a batch they are of one length:
    TRL's "sft" is a mean over a batch's tokens, ours over each text's, and only so are they the same."""
    draw = random.Random(20)
    words = lambda count, low, high: [draw.randrange(low, high) for _ in range(count)]
    out = []
    for i in range(PAIRS):
        out.append({"prompt": words(draw.randint(3, 20), 0, EOS), "chosen": words(1 + i // BATCH % 7, 0, 60),
                    "rejected": words(draw.randint(1, 7), 35, EOS)})
    return out


def make_tokenizer():
    """A word an id, so that the texts TRL wants are the ids we mean."""
    vocab = {f"t{i}": i for i in range(EOS)} | {"<eos>": EOS}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocab, unk_token="<eos>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<eos>")


def recorded(trainer_class):
    """The trainer's own loss and rewards at every step: what it logs is rounded."""
    class Recorded(trainer_class):
        steps = None

        def compute_loss(self, *args, **kwargs):
            loss = super().compute_loss(*args, **kwargs)
            metrics = (getattr(self, "_metrics", None) or self._stored_metrics)["train"]
            self.steps = (self.steps or []) + [{
                "loss": loss.item(), **{side: float(metrics[f"rewards/{side}"][-1]) for side in ("chosen", "rejected")}}]
            return loss

        def get_train_sampler(self, *args):
            return torch.utils.data.SequentialSampler(self.train_dataset)

        _get_train_sampler = get_train_sampler
    return Recorded


def train(name, options, pairs, initial, folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")
    simpo = name == "simpo"
    trainer_class, config_class = (CPOTrainer, CPOConfig) if simpo else (trl.DPOTrainer, trl.DPOConfig)
    args = config_class(output_dir=folder, bf16=False, use_cpu=True, gradient_checkpointing=False, logging_steps=1,
                        report_to="none", save_strategy="no", disable_tqdm=True, seed=5, max_length=64,
                        **({"loss_type": name} | options | TRAIN))
    text = lambda ids: " ".join(f"t{i}" for i in ids)
    rows = [{"prompt": text(p["prompt"]) + " ", "chosen": text(p["chosen"]), "rejected": text(p["rejected"])}
            for p in pairs]
    trainer = recorded(trainer_class)(model=model, args=args, train_dataset=datasets.Dataset.from_list(rows),
                                      processing_class=make_tokenizer(), peft_config=peft.LoraConfig(**LORA))
    if not os.path.exists(initial):
        trainer.model.save_pretrained(initial)
    weights = peft.load_peft_weights(initial, device="cpu")
    peft.set_peft_model_state_dict(trainer.model, weights)
    trainer.train()
    logs = [log for log in trainer.state.log_history if "grad_norm" in log]
    assert len(logs) == len(trainer.steps) == PAIRS // BATCH * EPOCHS
    for step, log in zip(trainer.steps, logs):
        step["grad_norm"], step["lr"] = float(log["grad_norm"]), log["learning_rate"]
    return trainer


def main(out):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    pairs, runs = make_pairs(), {}
    initial = os.path.join(out, "initial")
    for name, options in RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            trainer = train(name, options, pairs, initial, folder)
        runs[name] = {"options": options, "steps": trainer.steps}
        print(f"{name}: loss {trainer.steps[0]['loss']:.4f} to {trainer.steps[-1]['loss']:.4f}", file=sys.stderr)
        if name == "sigmoid":
            trainer.model.save_pretrained(os.path.join(out, "final"))
            data = [{side: list(row[f"{side}_ids"]) for side in ("prompt", "chosen", "rejected")}
                    for row in trainer.train_dataset]
            assert data == [{"prompt": p["prompt"], "chosen": p["chosen"] + [EOS], "rejected": p["rejected"] + [EOS]}
                            for p in pairs]
    for name in ("initial", "final"):
        os.remove(os.path.join(out, name, "README.md"))
    with open(os.path.join(out, "data.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in data) + "\n]\n")
    versions = {module.__name__: module.__version__.split("+")[0] for module in (trl, peft, transformers, torch)}
    with open(os.path.join(out, "trl.json"), "w", encoding="utf-8") as file:
        head = json.dumps({"versions": versions, "train": TRAIN, "lora": LORA, "runs": {}}, indent=1)
        bodies = []
        for name, run in runs.items():
            steps = ",\n".join("    " + json.dumps(step) for step in run["steps"])
            bodies.append(f'  "{name}": {{"options": {json.dumps(run["options"])}, "steps": [\n{steps}]}}')
        file.write(head.replace('"runs": {}', '"runs": {\n' + ",\n".join(bodies) + "\n }") + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "trajectory"))
