// Reading weights without conversion, beside read() of the same file into memory as fresh; the file
// is in the page cache for both.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "bench/trainer_speeds.h"
#include "trainer/safetensors.h"

namespace strop::bench {
namespace {

constexpr double kGoal = 1.2;
constexpr int kRounds = 9;
constexpr double kBytes = 1 << 30;

// Layers of a 0.5B model's shapes, until there is enough of them.
void make_model(const std::string& path, double bytes) {
  trainer::NamedTensors tensors;
  double made = 0;
  for (int layer = 0; made < bytes; ++layer)
    for (const auto& [name, shape] :
         {std::pair<const char*, std::vector<std::int64_t>>{"mlp.up_proj", {4864, 896}},
          {"mlp.down_proj", {896, 4864}},
          {"self_attn.q_proj", {896, 896}},
          {"self_attn.k_proj", {128, 896}},
          {"input_layernorm", {896}}}) {
      const torch::Tensor tensor = torch::randn(shape).to(torch::kBFloat16);
      tensors["layers." + std::to_string(layer) + "." + name] = tensor;
      made += static_cast<double>(tensor.nbytes());
    }
  trainer::write_safetensors(path, tensors, {});
}

void read_plainly(const std::string& path) {
  const std::size_t size = std::filesystem::file_size(path);
  const auto bytes = std::make_unique_for_overwrite<char[]>(size);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error("cannot read " + path);
  std::size_t done = 0;
  for (ssize_t got = 1; got > 0; done += static_cast<std::size_t>(std::max<ssize_t>(got, 0)))
    got = ::read(file, bytes.get() + done, size - done);
  ::close(file);
  if (done != size) throw std::runtime_error("cannot read all of " + path);
}

// As little as reading can cost: the bytes are let go at once.
void read_past(const std::string& path) {
  std::vector<char> buffer(1u << 20);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error("cannot read " + path);
  while (::read(file, buffer.data(), buffer.size()) > 0) continue;
  ::close(file);
}

void read_weights(const std::string& path) {
  const auto tensors = trainer::read_safetensors(path);
  if (!tensors) throw std::runtime_error(tensors.error());
}

struct Seconds {
  double wall = 0;
  double cpu = 0;
};

Seconds timed(void (*read)(const std::string&), const std::string& path) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu = thread_cpu_seconds();
  read(path);
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          thread_cpu_seconds() - cpu};
}

}  // namespace

void measure_loading(const TrainerSetup& setup, Report& report) {
  const std::string model = setup.file("loading.safetensors");
  make_model(model, kBytes * setup.scale());
  read_plainly(model);
  std::vector<double> plain, ours, plain_cpu, ours_cpu, past;
  for (int round = 0; round < kRounds; ++round) {
    const Seconds reading = timed(read_plainly, model);
    const Seconds loading = timed(read_weights, model);
    past.push_back(timed(read_past, model).cpu);
    plain.push_back(reading.wall);
    plain_cpu.push_back(reading.cpu);
    ours.push_back(loading.wall);
    ours_cpu.push_back(loading.cpu);
  }
  const double size = static_cast<double>(std::filesystem::file_size(model)) / 1e9;
  const auto add = [&](const char* name, double value, double against) {
    const double ratio = value / against;
    report.add({"loading", name, value / size, "s/GB", "read() of the file", ratio,
                "<= 1.2x the time", ratio <= kGoal});
  };
  report.add({"loading",
              "read() of the file into one small buffer",
              median(past) / size,
              "s/GB",
              "",
              {},
              "",
              true});
  add("weights as they are, wall time", median(ours), median(plain));
  add("weights as they are, processor time", median(ours_cpu), median(plain_cpu));
}

}  // namespace strop::bench
