# LibTorch as target strop_torch: the system's, or with STROP_LIBTORCH the one inside a pip wheel, which computes on NVIDIA
# GPUs too. The wheel's own CMake package wants a whole CUDA toolkit; its libraries need none, so they are named here.
set(STROP_LIBTORCH "" CACHE PATH "The torch folder of a pip wheel (…/site-packages/torch); empty: the system's LibTorch")

# Torch's headers come as system headers, so that our warnings stay ours.
add_library(strop_torch INTERFACE)
if(NOT STROP_LIBTORCH)
  find_package(Torch REQUIRED)
  target_link_libraries(strop_torch INTERFACE ${TORCH_LIBRARIES})
  target_include_directories(strop_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  return()
endif()

# The libraries look for their own (cuBLAS, cuDNN, …) from where they really lie.
file(REAL_PATH ${STROP_LIBTORCH} STROP_LIBTORCH_FOLDER)
if(NOT EXISTS ${STROP_LIBTORCH_FOLDER}/version.py OR NOT EXISTS ${STROP_LIBTORCH_FOLDER}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "STROP_LIBTORCH=${STROP_LIBTORCH} holds no torch of a pip wheel: `./dev libtorch` installs one and says where")
endif()
file(STRINGS ${STROP_LIBTORCH_FOLDER}/version.py version REGEX "^__version__ = ")
string(REGEX MATCH "[0-9]+\\.[0-9]+[^']*" STROP_TORCH_VERSION "${version}")
# Older wheels were made with the C++ library's old ABI, which nothing of Debian's links with.
if(STROP_TORCH_VERSION VERSION_LESS 2.7)
  message(FATAL_ERROR "the torch ${STROP_TORCH_VERSION} in ${STROP_LIBTORCH} is too old: take a wheel of 2.7 or newer")
endif()
message(STATUS "LibTorch ${STROP_TORCH_VERSION} of a pip wheel: ${STROP_LIBTORCH_FOLDER}")
target_include_directories(strop_torch SYSTEM INTERFACE
  ${STROP_LIBTORCH_FOLDER}/include ${STROP_LIBTORCH_FOLDER}/include/torch/csrc/api/include)
set(libraries ${STROP_LIBTORCH_FOLDER}/lib/libtorch_cpu.so ${STROP_LIBTORCH_FOLDER}/lib/libc10.so)
# That the CUDA part is loaded is what makes the device known; of ours only trainer/model/gpu_kernels calls into it.
if(EXISTS ${STROP_LIBTORCH_FOLDER}/lib/libtorch_cuda.so)
  target_compile_definitions(strop_torch INTERFACE STROP_LIBTORCH_CUDA=1)
  list(APPEND libraries -Wl,--no-as-needed ${STROP_LIBTORCH_FOLDER}/lib/libtorch_cuda.so ${STROP_LIBTORCH_FOLDER}/lib/libc10_cuda.so
    -Wl,--as-needed)
endif()
target_link_libraries(strop_torch INTERFACE ${libraries})
# Only they know the way there; the linker need not.
target_link_options(strop_torch INTERFACE -Wl,--allow-shlib-undefined -Wl,--unresolved-symbols=ignore-in-shared-libs)
