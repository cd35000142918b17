#!/usr/bin/env python3
"""Writes the tiny random checkpoints of decoder_test.cpp and what transformers computes from them.

Needs torch, transformers and safetensors. Without arguments all cases, else those named. The first three were made with
transformers 4.40.2, the others with 4.57.1.
"""
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import (LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM,
                          Qwen3Config, Qwen3ForCausalLM, Starcoder2Config, Starcoder2ForCausalLM)

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPE = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=64)
CASES = {
    "llama": (LlamaForCausalLM, LlamaConfig(num_key_value_heads=2, rms_norm_eps=1e-5, tie_word_embeddings=False, **SHAPE)),
    "llama_tied_linear_rope": (LlamaForCausalLM, LlamaConfig(
        num_key_value_heads=4, tie_word_embeddings=True, rope_theta=50000.0,
        rope_scaling={"type": "linear", "factor": 4.0}, **SHAPE)),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(num_key_value_heads=1, rope_theta=1000000.0, tie_word_embeddings=False, **SHAPE)),
    "llama_biases_llama3_rope": (LlamaForCausalLM, LlamaConfig(
        num_key_value_heads=2, attention_bias=True, mlp_bias=True, rope_theta=500.0,
        rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                      "original_max_position_embeddings": 32}, **SHAPE)),
    "llama_yarn": (LlamaForCausalLM, LlamaConfig(
        num_key_value_heads=4, head_dim=16, rope_theta=500.0,
        rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}, **SHAPE)),
    "llama_yarn_mscale": (LlamaForCausalLM, LlamaConfig(
        num_key_value_heads=4, head_dim=16, rope_theta=500.0,
        rope_scaling={"rope_type": "yarn", "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 0.5, "beta_fast": 8.0,
                      "truncate": False}, **SHAPE)),
    "llama_dynamic_rope": (LlamaForCausalLM, LlamaConfig(
        num_key_value_heads=4, rope_scaling={"rope_type": "dynamic", "factor": 2.0}, **SHAPE)),
    "mistral": (MistralForCausalLM, MistralConfig(num_key_value_heads=2, head_dim=12, sliding_window=48, **SHAPE)),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(num_key_value_heads=2, head_dim=16, tie_word_embeddings=True, **SHAPE)),
    "starcoder2": (Starcoder2ForCausalLM, Starcoder2Config(num_key_value_heads=2, sliding_window=None, **SHAPE)),
}

for name in sys.argv[1:] or CASES:
    kind, config = CASES[name]
    torch.manual_seed(7)
    model = kind(config).eval()
    with torch.no_grad():
        # Fresh checkpoints have norms of 1 and biases of 0, which would hide mistakes.
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.copy_(torch.rand_like(parameter) + 0.5)
            else:
                parameter.mul_(5)
        tokens = torch.randint(0, config.vocab_size, (2, 17))
        logits = model(tokens).logits.float()
    folder = os.path.join(HERE, name)
    model.save_pretrained(folder, safe_serialization=True)
    for extra in ("generation_config.json",):
        path = os.path.join(folder, extra)
        if os.path.exists(path):
            os.remove(path)
    save_file({"tokens": tokens, "logits": logits.contiguous()}, os.path.join(folder, "expected.safetensors"))
    print(name, tuple(logits.shape), float(logits.std()))
