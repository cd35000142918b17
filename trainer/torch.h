// What the trainer uses of LibTorch: tensors, their functions and autograd.
//
// Instead of <torch/torch.h>, whose modules, optimizers, data loaders and JIT nobody here calls:
// their templates are compiled anew in every file, precompiled header or not, and take two thirds
// of an empty one's time.
#pragma once

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>
