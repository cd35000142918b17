#include "schema/secret_rules.h"

#include "schema/secret_rule_parts.h"

namespace strop::schema {

const std::vector<SecretRule>& secret_rule_table() {
  static const std::vector<SecretRule> kTable = [] {
    std::vector<SecretRule> all;
    for (const auto& part :
         {cloud_rules(), forge_rules(), service_rules(), model_rules(), generic_rules()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return kTable;
}

}  // namespace strop::schema
