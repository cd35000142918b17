// The lines of a training file, in any of the forms it may have: Strop's preference pairs and
// unpaired examples, TRL's {prompt, chosen, rejected}, {prompt, completion} and {text}, KTO's
// {prompt, completion, label}.
//
// Values and a free function; any thread. Any form may have `epsilon`, `weight` and `split` beside
// its texts. Errors: a message with file and line that says what is wrong there and what to do.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "schema/preference_pair.h"
#include "trainer/recipe.h"

namespace strop::trainer {

// Of forms other than Strop's the prompt stands as the pair's prefix, and of forms without a
// rejected side the completion as its chosen.
struct Record {
  enum class Form {
    kStrop,   // a prefix and a suffix for the recipe's template
    kPrompt,  // a prompt that is taken as it stands, and what follows it to its end
    kText     // a text from its beginning to its end
  };
  schema::PreferencePair pair;
  Form form = Form::kStrop;
  bool is_pair = true;  // with a rejected side
  bool wanted = true;   // the label of what has none
};

// FILE as `method` can use it: dpo takes pairs, sft those, {prompt, completion} and {text}, kto
// what has a label. Blank lines are passed over.
tl::expected<std::vector<Record>, std::string> read_records(const std::string& file, Method method);

}  // namespace strop::trainer
