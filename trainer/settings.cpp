#include "trainer/settings.h"

#include <filesystem>
#include <stdexcept>

#include "trainer/toml_reader.h"

namespace strop::trainer {
namespace {

constexpr int kMostThreads = 1024;
constexpr std::int64_t kMostMib = 1 << 20;

void check(const Settings& settings, const std::string& file) {
  const auto want = [&](bool holds, const std::string& what) {
    if (!holds) throw std::invalid_argument(file + ": " + what);
  };
  want(settings.threads >= 0 && settings.threads <= kMostThreads, "'threads' must be 0 to 1024");
  want(settings.serve.threads >= 0 && settings.serve.threads <= kMostThreads,
       "[serve]: 'threads' must be 0 to 1024");
  want(settings.serve.context >= 0,
       "[serve]: 'context' must be a number of tokens, or 0 for the model's positions");
  want(settings.serve.cache_mib >= 0 && settings.serve.cache_mib <= kMostMib,
       "[serve]: 'cache_mib' must be 0 to 1048576");
  want(settings.serve.batch_mib >= 1 && settings.serve.batch_mib <= kMostMib,
       "[serve]: 'batch_mib' must be 1 to 1048576");
}

}  // namespace

Settings read_settings(const std::string& file) {
  const std::string path = file.empty() ? kDefaultConfig : file;
  if (file.empty() && !std::filesystem::exists(path)) return {};
  const toml::table parsed = read_toml(path);
  Settings out;
  TomlReader top(parsed, path);
  top.read("base", out.base);
  top.read("threads", out.threads);
  top.read("device", out.device);
  std::string precision = "auto";
  top.read("precision", precision);
  out.precision = precision_of(precision, path + ": precision");
  const toml::table table = top.table("serve");
  TomlReader serve(table, path + ": [serve]");
  serve.read("bind", out.serve.bind);
  serve.read("token_file", out.serve.token_file);
  serve.read("behind_proxy", out.serve.behind_proxy);
  serve.read("context", out.serve.context);
  serve.read("threads", out.serve.threads);
  serve.read("adapter", out.serve.adapter);
  serve.read("cache_mib", out.serve.cache_mib);
  serve.read("batch_mib", out.serve.batch_mib);
  serve.finish();
  top.finish();
  check(out, path);
  for (std::string* one : {&out.base, &out.serve.token_file, &out.serve.adapter})
    *one = path_beside(path, *one);
  return out;
}

Precision model_precision(const std::optional<std::string>& flag, const Settings& settings) {
  return flag ? precision_of(*flag, "--precision") : settings.precision;
}

std::string model_folder(const std::string& flag, const Settings& settings) {
  if (flag.empty() && settings.base.empty())
    throw std::invalid_argument("which model? Give --model, or base in " +
                                std::string(kDefaultConfig));
  return flag.empty() ? settings.base : flag;
}

}  // namespace strop::trainer
