#!/usr/bin/env python3
"""Writes what both trainers learn from: a random checkpoint of a published shape, and pairs of exact lengths.

    make_inputs.py FOLDER --pairs N [--shape qwen2.5-0.5b] [--prompt 1024] [--completion 32] [--device cpu]

FOLDER/base: config.json, model.safetensors (bfloat16, as Qwen publishes it), tokenizer.json, by which a text is as many tokens
as it has bytes: those that fill the model's vocabulary beside the bytes and the special ones are in no text, though the model
may say them. FOLDER/pairs.jsonl holds Strop's pairs, FOLDER/trl.jsonl the same as TRL wants them: {prompt, chosen, rejected}
with the FIM template in the text. Lengths count special tokens and the end of a completion. The same arguments write the same
files.
"""
import argparse
import json
import os
import random
import string

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config

SHAPES = {
    "qwen2.5-0.5b": dict(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
                         num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True),
    "qwen2.5-1.5b": dict(hidden_size=1536, intermediate_size=8960, num_hidden_layers=28, num_attention_heads=12,
                         num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True),
    "qwen2.5-7b": dict(hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, num_attention_heads=28,
                       num_key_value_heads=4, vocab_size=152064, tie_word_embeddings=False),
    "15m": dict(hidden_size=256, intermediate_size=1024, num_hidden_layers=6, num_attention_heads=4, num_key_value_heads=2,
                vocab_size=32768, tie_word_embeddings=True),
    "60m": dict(hidden_size=512, intermediate_size=2048, num_hidden_layers=10, num_attention_heads=8, num_key_value_heads=2,
                vocab_size=32768, tie_word_embeddings=True),
    "160m": dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=16, num_attention_heads=12, num_key_value_heads=2,
                 vocab_size=32768, tie_word_embeddings=True),
    "tiny": dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                 vocab_size=512, tie_word_embeddings=True),
}
PREFIX, SUFFIX, MIDDLE, END = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|endoftext|>"


def write_checkpoint(folder, shape, device):
    torch.manual_seed(1)
    config = Qwen2Config(max_position_embeddings=32768, rope_theta=1e6, **SHAPES[shape])
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="100GB")


def write_tokenizer(folder, vocab_size):
    texts = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = [AddedToken(text, normalized=False, special=True) for text in (END, PREFIX, SUFFIX, MIDDLE)]
    texts += [f"<{i}>" for i in range(len(texts), vocab_size - len(special))]  # no merge leads to them
    tokenizer = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(texts)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END).save_pretrained(folder)


def words(draw, length):
    """Text of so many characters that begins and ends with none of the blanks that a template may trim."""
    text = "".join(draw.choice(string.ascii_lowercase + "  _().=") for _ in range(length - 2))
    return "x" + text + "y"


def write_pairs(folder, count, prompt, completion, sharing):
    draw = random.Random(1)
    with open(f"{folder}/pairs.jsonl", "w") as strop, open(f"{folder}/trl.jsonl", "w") as trl:
        for i in range(count):
            if i % sharing == 0:
                suffix = words(draw, min(64, prompt // 4))
                prefix = words(draw, prompt - 3 - len(suffix))
            chosen, rejected = words(draw, completion - 1), words(draw, completion - 1)
            strop.write(json.dumps({
                "v": 1, "id": f"p{i}", "language": "python", "repo": "r", "path_ext": "py", "prefix": prefix, "suffix": suffix,
                "chosen": chosen, "rejected": rejected, "kind": "edited", "epsilon": 0.0, "weight": 1.0, "dimensions": {},
                "contributor": "c", "model": "random", "prompt": "exact", "split": "train", "t": 0, "events": []}) + "\n")
            trl.write(json.dumps({"prompt": PREFIX + prefix + SUFFIX + suffix + MIDDLE, "chosen": chosen,
                                  "rejected": rejected}) + "\n")


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("folder")
arguments.add_argument("--shape", choices=SHAPES, default="qwen2.5-0.5b")
arguments.add_argument("--pairs", type=int, required=True)
arguments.add_argument("--prompt", type=int, default=1024)
arguments.add_argument("--completion", type=int, default=32)
arguments.add_argument("--sharing", type=int, default=1, help="pairs one after another that have one prompt")
arguments.add_argument("--device", default="cpu", help="where the weights are drawn")
given = arguments.parse_args()
os.makedirs(f"{given.folder}/base", exist_ok=True)
write_checkpoint(f"{given.folder}/base", given.shape, given.device)
write_tokenizer(f"{given.folder}/base", SHAPES[given.shape]["vocab_size"])
write_pairs(given.folder, given.pairs, given.prompt, given.completion, given.sharing)
