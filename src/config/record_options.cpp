#include "config/record_options.hpp"

#include "config/bindings.hpp"

namespace explaind {

OptionTable option_table(RecordOptions& o) {
  constexpr Role identity = Role::identity;
  return {
      list_option({"text", "PATHS", "text files, or folders of *.txt files; a line is a paragraph",
                   identity, true},
                  o.text),
      text_option({"series", "DIR", "folder to leave the checkpoints in", identity, true},
                  o.series),
      integer_option({"vocabulary", "N", "pieces of the tokenizer (SentencePiece BPE)", identity},
                     o.vocabulary, 300),
      integer_option({"hidden", "N", "hidden size", identity}, o.hidden, 2),
      integer_option({"intermediate", "N", "inner size of the MLP", identity}, o.intermediate, 1),
      integer_option({"layers", "N", "blocks", identity}, o.layers, 1),
      integer_option({"heads", "N", "attention heads; must divide hidden", identity}, o.heads, 1),
      integer_option({"key-value-heads", "N", "key-value heads; must divide heads", identity},
                     o.key_value_heads, 1),
      flag_option({"tied", "", "one matrix for embedding and unembedding", identity}, o.tied),
      integer_option({"sequence-length", "TOKENS", "tokens of a training sequence", identity},
                     o.sequence_length, 2),
      integer_option({"batch", "SEQUENCES", "sequences of a step", identity}, o.batch, 1),
      integer_option({"max-steps", "N", "optimizer steps", identity}, o.steps, 1),
      integer_option(
          {"checkpoints", "N", "checkpoints, log-spaced from step 0 to the last", identity},
          o.checkpoints, 2),
      number_option({"learning-rate", "RATE", "AdamW's peak learning rate", identity},
                    o.learning_rate, 0),
      number_option({"minimum-learning-rate", "RATIO",
                     "end of the cosine, relative to the peak learning rate", identity},
                    o.minimum_learning_rate, -1e-300, 1),
      integer_option({"warmup", "STEPS", "steps of linear warm-up", identity}, o.warmup, 0),
      number_option({"weight-decay", "RATE", "decoupled, on matrices only", identity},
                    o.weight_decay, -1e-300),
      number_option({"beta1", "X", "AdamW's decay of the first moment", identity}, o.beta1, -1e-300,
                    0.999999),
      number_option({"beta2", "X", "AdamW's decay of the second moment", identity}, o.beta2,
                    -1e-300, 0.999999),
      number_option({"epsilon", "X", "AdamW's epsilon", identity}, o.epsilon, 0),
      number_option({"clip", "NORM", "largest norm of the gradient; 0: no clipping", identity},
                    o.clip, -1e-300),
      integer_option({"seed", "N", "of initial weights, tokenizer and order of the data", identity},
                     o.seed, 0),
      word_option({"dtype", "TYPE", "of the stored weights: bf16 or f32", identity}, o.dtype,
                  {"bf16", "f32"}),
      integer_option({"threads", "N", "threads; 0: OMP_NUM_THREADS, or all cores", Role::execution},
                     o.threads, 0),
      flag_option({"overwrite", "", "replace a series that exists", Role::command}, o.overwrite),
  };
}

}  // namespace explaind
