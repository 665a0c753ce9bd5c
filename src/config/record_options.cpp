#include "config/record_options.hpp"

#include "config/bindings.hpp"
#include "config/grace_option.hpp"

namespace explaind {
namespace {

constexpr Role identity = Role::identity;

void add_model(OptionTable& table, RecordOptions& o) {
  const std::vector<Option> options = {
      text_option({"series", "DIR", "folder to leave Hugging Face checkpoints in", identity},
                  o.series),
      text_option({"history", "DIR",
                   "instead: folder to leave the whole training in, every step's weights, batch "
                   "and learning rates (a recorded run)",
                   identity},
                  o.history),
      word_option({"model", "NAME", "llama; with --history also grokking_transformer, cnn, resnet9",
                   identity},
                  o.model, {"llama", "grokking_transformer", "cnn", "resnet9"}),
      text_option({"family", "NAME",
                   "llama: the model_type of another family of language models: gpt_neox, olmo, "
                   "olmo2, olmo3, qwen2, qwen3, smollm3, mistral, apertus, gemma2, gemma3_text, "
                   "gpt2. gemma and gpt2 are always tied",
                   identity},
                  o.family),
      integer_option(
          {"vocabulary", "N", "llama: pieces of the tokenizer (SentencePiece BPE)", identity},
          o.vocabulary, 300),
      integer_option(
          {"hidden", "N", "hidden size of transformers; last hidden layer of cnn", identity},
          o.hidden, 2),
      integer_option({"intermediate", "N", "inner size of the MLP", identity}, o.intermediate, 1),
      integer_option({"layers", "N", "llama: blocks", identity}, o.layers, 1),
      integer_option({"heads", "N", "attention heads; must divide hidden", identity}, o.heads, 1),
      optional_integer_option({"key-value-heads", "N",
                               "llama: key-value heads; must divide heads. 4 where not given, and "
                               "as many as heads in gpt2 and gpt_neox, which have no others",
                               identity},
                              o.key_value_heads, 1),
      flag_option({"tied", "", "llama: one matrix for embedding and unembedding", identity},
                  o.tied),
      optional_integer_option(
          {"filters", "N", "of the first convolution: cnn 16, resnet9 64 where not given",
           identity},
          o.filters, 1),
      word_option({"activation", "NAME", "of grokking_transformer, cnn and resnet9", identity},
                  o.activation, {"relu", "gelu", "silu"})};
  table.insert(table.end(), options.begin(), options.end());
}

void add_data(OptionTable& table, RecordOptions& o) {
  const std::vector<Option> options = {
      word_option({"dataset", "NAME",
                   "modular_addition, idx (MNIST's files), cifar10 or text; auto: what the model "
                   "is for",
                   identity},
                  o.dataset, {"auto", "modular_addition", "idx", "cifar10", "text"}),
      list_option({"text", "PATHS", "text files, or folders of *.txt files; a line is a paragraph",
                   identity},
                  o.text),
      text_option({"data", "DIR", "folder with the files of idx or cifar10", identity}, o.data),
      list_option(
          {"classes", "LIST",
           "cifar10: the labels that are kept and become 0, 1, …; all where not given", identity},
          o.classes),
      integer_option({"modulus", "P", "modular_addition: its modulus", identity}, o.modulus, 2),
      integer_option({"train-samples", "N", "training samples; 0: all there are", identity},
                     o.train_samples, 0),
      integer_option({"validation-samples", "N",
                      "samples that are not trained on; 0: all there are, of text none", identity},
                     o.validation_samples, 0),
      integer_option({"sequence-length", "TOKENS", "tokens of a training sequence", identity},
                     o.sequence_length, 2),
      integer_option(
          {"batch", "N", "samples (sequences) a step; with --history at most all", identity},
          o.batch, 1),
      flag_option({"shuffle", "",
                   "--history: every epoch in an order of its own; --shuffle=false: not", identity},
                  o.shuffle),
      flag_option({"drop-last", "", "--history: leave out an epoch's smaller last batch", identity},
                  o.drop_last),
      flag_option(
          {"flips", "", "--history: mirror images left to right at random (recorded)", identity},
          o.flips)};
  table.insert(table.end(), options.begin(), options.end());
}

void add_optimizer(OptionTable& table, RecordOptions& o) {
  const std::vector<Option> options = {
      optional_integer_option(
          {"max-steps", "N", "optimizer steps; with --epochs at most so many; else 400", identity},
          o.steps, 1),
      integer_option(
          {"epochs", "N", "--history: times through all samples; 0: as max-steps says", identity},
          o.epochs, 0),
      integer_option({"checkpoints", "N",
                      "--series: checkpoints, log-spaced from step 0 to the last", identity},
                     o.checkpoints, 2),
      word_option(
          {"optimizer", "NAME", "adamw; with --history also adam (coupled L2) and sgd", identity},
          o.optimizer, {"adamw", "adam", "sgd"}),
      number_option({"learning-rate", "RATE", "peak learning rate", identity}, o.learning_rate, 0),
      word_option(
          {"schedule", "NAME", "cosine; with --history also constant, triangle and wsd", identity},
          o.schedule, {"constant", "cosine", "triangle", "wsd"}),
      number_option({"minimum-learning-rate", "RATIO",
                     "end of cosine and wsd, relative to the peak learning rate", identity},
                    o.minimum_learning_rate, -1e-300, 1),
      integer_option(
          {"warmup", "STEPS", "steps of linear warm-up; triangle: up to the peak", identity},
          o.warmup, 0),
      integer_option({"decay-steps", "STEPS", "wsd: steps of the fall at the end", identity},
                     o.decay_steps, 0),
      number_option({"weight-decay", "RATE", "decoupled with adamw, else coupled", identity},
                    o.weight_decay, -1e-300),
      text_option({"decay-on", "WHAT",
                   "what decays: matrices (and convolutions), all, or parameters whose names have "
                   "this regular expression",
                   identity},
                  o.decay_on),
      number_option({"beta1", "X", "Adam's decay of the first moment", identity}, o.beta1, -1e-300,
                    0.999999),
      number_option({"beta2", "X", "Adam's decay of the second moment", identity}, o.beta2, -1e-300,
                    0.999999),
      number_option({"epsilon", "X", "Adam's epsilon", identity}, o.epsilon, 0),
      number_option({"momentum", "X", "of sgd", identity}, o.momentum, -1e-300, 0.999999),
      number_option({"dampening", "X", "of sgd's momentum", identity}, o.dampening, -1e-300, 1),
      flag_option(
          {"nesterov", "", "Nesterov's momentum; needs momentum and no dampening", identity},
          o.nesterov),
      number_option({"clip", "NORM", "largest norm of the gradient; 0: no clipping", identity},
                    o.clip, -1e-300),
      optional_number_option({"z-loss", "RATE",
                              "--series: times the mean of (log sum exp logits)^2 over the "
                              "predicted tokens, added to the loss",
                              identity},
                             o.z_loss)};
  table.insert(table.end(), options.begin(), options.end());
}

void add_output(OptionTable& table, RecordOptions& o) {
  const std::vector<Option> options = {
      number_option({"stop-accuracy", "SHARE",
                     "--history: end after an epoch in which training and validation accuracy "
                     "reach it; 0: never",
                     identity},
                    o.stop_accuracy, -1e-300, 1),
      list_option({"keep", "LIST",
                   "--history: what is stored besides: second_moment (of Adam, else replayed), "
                   "gradient",
                   identity},
                  o.keep),
      text_option({"block-size", "BYTES",
                   "--history: of a file of steps, as 64MiB; what a crash can lose", identity},
                  o.block_size),
      integer_option({"seed", "N", "of initial weights, tokenizer and order of the data", identity},
                     o.seed, 0),
      word_option(
          {"precision", "TYPE", "--history: of weights and training: fp32 or fp64", identity},
          o.precision, {"fp32", "fp64"}),
      word_option({"dtype", "TYPE", "--series: of the stored weights: bf16 or f32", identity},
                  o.dtype, {"bf16", "f32"}),
      flag_option({"optimizer-state", "",
                   "--series: keep AdamW's state beside each checkpoint, for decompose --source "
                   "steps",
                   identity},
                  o.optimizer_state),
      grace_option(o.grace),
      integer_option({"threads", "N",
                      "threads, for operations large enough to share; 0: OMP_NUM_THREADS, or the "
                      "processors that it was given",
                      Role::execution},
                     o.threads, 0),
      flag_option({"overwrite", "", "replace a series or run that exists", Role::command},
                  o.overwrite),
      flag_option({"resume", "", "--history: go on with a run that was cut short", Role::command},
                  o.resume),
      flag_option({"other-build", "",
                   "--resume: go on although another build of the program, or a processor that "
                   "adds in another order, has begun the run; its blocks say which",
                   Role::command},
                  o.other_build)};
  table.insert(table.end(), options.begin(), options.end());
}

}  // namespace

OptionTable option_table(RecordOptions& o) {
  OptionTable table;
  add_model(table, o);
  add_data(table, o);
  add_optimizer(table, o);
  add_output(table, o);
  return table;
}

}  // namespace explaind
