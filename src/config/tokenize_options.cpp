#include "config/tokenize_options.hpp"

#include "config/bindings.hpp"

namespace explaind {

OptionTable option_table(TokenizeOptions& o) {
  return {
      text_option({"series", "DIR",
                   "a series, whose first checkpoint's tokenizer is taken, a checkpoint, or a "
                   "folder with a tokenizer (also as first argument)",
                   Role::command, true},
                  o.series),
      text_option({"samples", "FILE", "JSON Lines, as decompose takes them", Role::command, true},
                  o.samples),
      optional_text_option({"tokenizer", "DIR", "folder with another tokenizer"}, o.tokenizer),
      flag_option({"json", "",
                   "a JSON object a sample: id, group, text (where it has one), input_ids, "
                   "pieces (the tokens' own texts), labels (-100: not predicted), and logits: of "
                   "each token the logit:POS:ID that predicts it, null where none does"},
                  o.json),
  };
}

}  // namespace explaind
