// What the versions of LibTorch differ by, from Debian's 1.13 to the newest wheel's: told here, and
// only here.
#pragma once

#include <torch/version.h>

// FlashAttention over sequences of several lengths, with as many key heads as there are.
#define STROP_HAS_FLASH_ATTENTION \
  (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 7))

// RMSNorm in one kernel of a GPU.
#if __has_include(<ATen/ops/_fused_rms_norm_backward.h>)
#define STROP_HAS_FUSED_RMS_NORM 1
#else
#define STROP_HAS_FUSED_RMS_NORM 0
#endif

// Kernels that are compiled where they run: of a LibTorch with CUDA (cmake/LibTorch.cmake).
#ifdef STROP_LIBTORCH_CUDA
#define STROP_HAS_GPU_KERNELS 1
#else
#define STROP_HAS_GPU_KERNELS 0
#endif
