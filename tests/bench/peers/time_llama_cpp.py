#!/usr/bin/env python3
"""Times llama.cpp on what strop-trainer serve was asked, and tells what it took.

    time_llama_cpp.py MODEL --prompts PROMPTS.json --tokens N --threads N --out RESULT.json [--dtype float32|bfloat16]

MODEL is a folder with a Qwen2 checkpoint of one file; it is written anew as RESULT.json.gguf, its matrices in that type.
PROMPTS.json is a list of lists of token ids. Each is completed greedily, without flash attention, keys and values in float32, or
in float16 beside matrices in bfloat16; the clock of the first token runs from before the prompt is computed. A completion has N tokens, whatever they are.
"""
import argparse
import json
import pathlib
import time
from importlib.metadata import version

import gguf
import llama_cpp
import numpy
import torch
from safetensors import safe_open

F32, F16 = 0, 1
LAYER = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
         "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
WHOLE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
         "lm_head.weight": "output.weight"}


def gguf_name(name):
    if name in WHOLE:
        return WHOLE[name]
    _, _, layer, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{LAYER[part]}.{kind}"


def rope_theta(config):
    return config["rope_theta"] if "rope_theta" in config else config["rope_parameters"]["rope_theta"]


def write_gguf(model, out, dtype):
    """Ids go in and come out: the file has no vocabulary, only its size."""
    config = json.loads((model / "config.json").read_text())
    if config["model_type"] != "qwen2":
        raise SystemExit(f"only checkpoints of Qwen2's shape are written as GGUF, and this is {config['model_type']}")
    writer = gguf.GGUFWriter(out, "qwen2", use_temp_file=False)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16 if dtype == "bfloat16" else gguf.LlamaFileType.ALL_F32)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(rope_theta(config))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")
    with safe_open(model / "model.safetensors", framework="pt") as tensors:
        for name in tensors.keys():
            tensor = tensors.get_tensor(name).to(torch.float32).numpy()
            if dtype == "bfloat16" and tensor.ndim > 1:
                kind = gguf.GGMLQuantizationType.BF16
                writer.add_tensor(gguf_name(name), gguf.quants.quantize(tensor, kind), raw_dtype=kind)
            else:
                writer.add_tensor(gguf_name(name), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def likeliest(model):
    logits = llama_cpp.llama_get_logits_ith(model.ctx, -1)
    return int(numpy.argmax(numpy.ctypeslib.as_array(logits, shape=(model.n_vocab(),))))


def complete(model, prompt, tokens):
    model.reset()
    began = time.monotonic()
    model.eval(prompt)
    greedy = [likeliest(model)]
    first = time.monotonic()
    while len(greedy) < tokens:
        model.eval(greedy[-1:])
        greedy.append(likeliest(model))
    return {"first_seconds": first - began, "tokens_a_second": (tokens - 1) / (time.monotonic() - first), "greedy": greedy}


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("model", type=pathlib.Path)
arguments.add_argument("--prompts", required=True)
arguments.add_argument("--tokens", type=int, required=True)
arguments.add_argument("--threads", type=int, required=True)
arguments.add_argument("--out", required=True)
arguments.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
given = arguments.parse_args()
with open(given.prompts) as file:
    prompts = json.load(file)
write_gguf(given.model, given.out + ".gguf", given.dtype)
keys = F32 if given.dtype == "float32" else F16
peer = llama_cpp.Llama(given.out + ".gguf", n_ctx=max(map(len, prompts)) + given.tokens, n_threads=given.threads,
                       n_threads_batch=given.threads, type_k=keys, type_v=keys, flash_attn=False, n_gpu_layers=0, verbose=False)
completions = [complete(peer, prompt, given.tokens) for prompt in prompts]
with open(given.out, "w") as file:
    json.dump({"completions": completions, "versions": {"llama-cpp-python": llama_cpp.__version__, "gguf": version("gguf")}}, file)
