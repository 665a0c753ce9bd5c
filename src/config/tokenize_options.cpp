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
      text_option({"samples", "FILE", "as decompose takes them", Role::command, true}, o.samples),
      optional_text_option({"tokenizer", "DIR", "folder with another tokenizer"}, o.tokenizer),
      optional_integer_option(
          {"window", "TOKENS", "show samples that are longer in windows, as decompose cuts them"},
          o.window, 2),
      optional_integer_option(
          {"stride", "TOKENS", "with --window: from the beginning of a window to that of the next"},
          o.stride, 1),
      flag_option({"json", "",
                   "a JSON object a sample: id, group, text (where it has one), input_ids, "
                   "pieces (the tokens' own texts), labels (-100: not predicted), and logits: of "
                   "each token the logit:POS:ID that predicts it, null where none does; of a "
                   "minimal pair id, group, and all but logits of good and of bad"},
                  o.json),
  };
}

}  // namespace explaind
