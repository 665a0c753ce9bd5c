#include "config/decompose_options.hpp"

#include "config/bindings.hpp"
#include "config/grace_option.hpp"
#include "config/silence_option.hpp"

namespace explaind {

OptionTable option_table(DecomposeOptions& o) {
  constexpr Role identity = Role::identity, execution = Role::execution;
  OptionTable table{
      text_option({"series", "DIR", "folder of Hugging Face checkpoints, or a list of `step path`",
                   identity, true},
                  o.series),
      text_option(
          {"phases", "LIST",
           "NAME=OFFSET,…: parts of the training that count their steps anew, and what is added to "
           "them; NAME is what checkpoints' names say beside the step (stage1; . where they say "
           "nothing), or a folder of the series that holds theirs",
           identity},
          o.phases),
      text_option({"series-seed", "NAME",
                   "of a folder whose checkpoints' names say several seeds, which are several "
                   "series: the one that is meant (. where the name says none)",
                   identity, false, true},
                  o.series_seed),
      text_option(
          {"step-pattern", "REGEX",
           "how checkpoints' whole names are read where they say the step in a way of their "
           "own: named groups step and, where there are such, stage, phase, seed, tokens, "
           "as in 'run-(?<step>\\d+)-v2'",
           identity, false, true},
          o.step_pattern),
      optional_text_option(
          {"tied-head", "WHICH",
           "where config.json ties the unembedding to the embedding, and files hold a "
           "lm_head.weight too: equal (the default: refused where they differ), embedding, or "
           "stored",
           identity},
          o.tied_head),
      optional_text_option(
          {"bridge", "WHAT",
           "config: keep segments across which config.json changes. They are scored under the "
           "later config, and what the change of config alone does to F where they begin is stored "
           "beside (config_change). Without it such segments are left out",
           identity},
          o.bridge),
      optional_text_option(
          {"stage", "DIR",
           "checkpoints are brought into this folder, two at a time, and removed when they have "
           "been "
           "used. --series is then a text file with a line for each: REVISION, whose name says the "
           "step, or STEP REVISION",
           execution},
          o.stage),
      optional_text_option({"stage-command", "COMMAND",
                            "what brings one, for the shell: {revision}, {step} and {dir} stand "
                            "for the checkpoint and "
                            "the folder to put it into",
                            execution},
                           o.stage_command),
      text_option({"samples", "FILE",
                   "prediction samples: JSON Lines, Parquet or Arrow, or a folder of these tables",
                   identity, true},
                  o.samples),
      word_option({"source", "WHAT",
                   "weights: the straight path between checkpoints; steps: one step of AdamW at "
                   "each, from the optimizer's state beside the weights",
                   identity},
                  o.source, {"weights", "steps"}),
      text_option(
          {"training-batch", "FILE",
           "steps: the samples that the step is taken with, with groups; {step} in its name stands "
           "for each checkpoint's step: a batch a checkpoint",
           identity},
          o.training_batch),
      optional_text_option({"batch-mean", "WHAT",
                            "steps: the training's loss, the mean over all predicted tokens of the "
                            "batch (tokens) or over samples of their means (samples)",
                            identity},
                           o.batch_mean),
      optional_number_option(
          {"clip", "NORM", "steps: largest norm of the training's gradient; 0: it did not clip",
           identity},
          o.clip),
      optional_number_option(
          {"z-loss", "RATE",
           "steps: times the mean of (log sum exp logits)^2 over the predicted tokens, which the "
           "training added to its loss",
           identity, false, true},
          o.z_loss),
      word_option({"step-precision", "TYPE",
                   "steps: arithmetic of the training's own update: fp32 or fp64", identity},
                  o.step_precision, {"fp32", "fp64"}),
      list_option({"parts", "LIST",
                   "parts of psi that are stored beside it: decay, rounding, data; of a series of "
                   "weights decay alone, estimated",
                   identity},
                  o.parts),
      text_option({"store", "FILE", "influence store to write (HDF5)", execution, true}, o.store),
      word_option(
          {"component", "NAME",
           "granularity of the scores: tensor, layer, kind, head, row or neuron (of an MLP); "
           "parameter: every scalar, a dataset for each tensor, beside tensor",
           identity},
          o.component, {"tensor", "layer", "kind", "head", "row", "neuron", "parameter"}),
      text_option({"axes", "LIST",
                   "axes kept besides segment and component: sample or group, position, output "
                   "(with logit), and of recorded runs and with --source steps train_sample or "
                   "train_group",
                   identity},
                  o.axes),
      text_option(
          {"functional", "NAME",
           "what is explained: loss (in nats, the mean over a sample's predicted tokens), "
           "loss_sum, logit:…, logit_diff:…, logprob:…, activation:…; of minimal pairs "
           "logprob_diff; auto: loss, or logprob_diff of pairs. configs/README.md has all forms",
           identity},
          o.functional),
      text_option({"quadrature", "RULE", "adaptive, gauss:N or midpoint:N", identity},
                  o.quadrature),
      number_option(
          {"tolerance", "REL", "of the adaptive rule, relative to |change of F|", identity},
          o.tolerance, 0, 1),
      optional_number_option({"absolute-tolerance", "ABS",
                              "added to it, in nats; by precision where not given: fp64 1e-12, "
                              "fp32 3e-8, tf32 4e-5, bf16 3e-4",
                              identity},
                             o.absolute_tolerance),
      word_option({"relative-to", "WHAT",
                   "change: |change of F|; gross: the sum of |score| over tensors", identity},
                  o.relative_to, {"change", "gross"}),
      optional_integer_option({"first-nodes", "N",
                               "the nested rule begins with 3, 5 or 9 evaluations; where not given "
                               "5 where the model is "
                               "smooth (SiLU, GELU), else 9",
                               identity},
                              o.first_nodes, 3),
      integer_option(
          {"max-nodes", "N", "cap of the nested rule: 9, 17, 33, 65 or 129 evaluations", identity},
          o.max_nodes, 9),
      integer_option(
          {"max-kink-nodes", "N", "cap of bisection where convergence is algebraic", identity},
          o.max_kink_nodes, 17),
      word_option({"precision", "TYPE",
                   "of weights and activations: fp64, fp32, tf32 (products of CUDA devices rounded "
                   "to 11 bits) or bf16 (products of bf16 numbers, all else fp32)",
                   identity},
                  o.precision, {"fp64", "fp32", "tf32", "bf16"}),
      word_option({"value-precision", "TYPE",
                   "of F at checkpoints, against which the residual measures the scores: fp64, by "
                   "forward passes of their own; same: as --precision, out of the passes that "
                   "score",
                   identity},
                  o.value_precision, {"fp64", "same"}),
      word_option({"product-form", "FORM",
                   "formed: W(t) for every node; split: x a + t (x Δ), all nodes of a round at "
                   "once, which is faster for few tokens; auto: split up to 32 tokens a "
                   "micro-batch",
                   identity},
                  o.product_form, {"auto", "formed", "split"}),
      integer_option({"chunk", "SAMPLES", "samples of a unit of work", identity}, o.chunk, 1),
      integer_option(
          {"micro-batch", "SAMPLES", "samples that run together, padded to the longest", identity},
          o.micro_batch, 1),
      optional_integer_option({"max-length", "TOKENS",
                               "longest sample; the model's positions where not given", identity},
                              o.max_length, 2),
      flag_option(
          {"truncate", "", "cut samples that are longer instead of refusing them", identity},
          o.truncate),
      optional_integer_option({"window", "TOKENS",
                               "cut samples that are longer into windows of so many tokens, each "
                               "a sample ID#0, ID#1, … that predicts what none before it has",
                               identity, false, true},
                              o.window, 2),
      optional_integer_option({"stride", "TOKENS",
                               "with --window: from the beginning of a window to that of the next, "
                               "at most a window",
                               identity, false, true},
                              o.stride, 1),
      optional_text_option(
          {"tokenizer", "DIR",
           "folder with tokenizer.json or tokenizer.model; the first checkpoint where not given",
           identity},
          o.tokenizer),
      word_option(
          {"group-reduce", "HOW", "a group's score from its samples': mean or sum", identity},
          o.group_reduce, {"mean", "sum"}),
      word_option({"step-index", "WHICH",
                   "training axes of recorded runs: a training sample's part counts at the step "
                   "that saw it (origin) or at those that applied it (applied)",
                   identity},
                  o.step_index, {"origin", "applied"}),
      word_option({"store-dtype", "TYPE", "of the stored scores: f64 or f32", identity},
                  o.store_dtype, {"f64", "f32"}),
      text_option(
          {"steps", "CHOICE",
           "segments to decompose: all, top:FRACTION (of the segments, by |change of F|), "
           "every:N, list:STEP|STEP (where they begin), or range:FIRST:LAST (those that begin "
           "there; nothing outside)",
           identity},
          o.steps),
      word_option(
          {"step-policy", "WHAT",
           "of the others: merge joins neighbours into one straight segment, sum decomposes "
           "them one by one and adds their scores, drop leaves them out and reports their "
           "change",
           identity},
          o.step_policy, {"merge", "sum", "drop"}),
      flag_option(
          {"hash-inputs", "",
           "identify checkpoints by SHA-256 of all bytes instead of header and size", execution},
          o.hash_inputs),
      grace_option(o.grace),
      silence_option(o.silence),
      integer_option({"threads", "N",
                      "threads of a rank, for operations large enough to share; 0: "
                      "OMP_NUM_THREADS, or this rank's part of the processors that the job was "
                      "given",
                      execution},
                     o.threads, 0),
      word_option({"device", "WHERE",
                   "cpu, cuda (each rank takes a device of its machine in turn), or auto: cuda "
                   "where it can be used",
                   execution},
                  o.device, {"auto", "cpu", "cuda"}),
      word_option(
          {"parameters", "SOURCE",
           "resident: weights and updates of the whole model in memory; streamed: of one "
           "block at a time, from the files; gathered: the same from the ranks of a segment "
           "group, each of which holds a share; auto: the first that fits",
           execution},
          o.parameters, {"auto", "resident", "gathered", "streamed"}),
      optional_integer_option(
          {"shards", "N",
           "ranks of a segment group: they compute a unit together, each some of its "
           "micro-batches; where not given, 1 where the weights fit a rank, else as few as can "
           "hold them together",
           execution},
          o.shards, 1),
      optional_integer_option(
          {"segment-groups", "M",
           "groups that compute units of their own; ranks / shards, and another "
           "number is an error",
           execution},
          o.segment_groups, 1),
      optional_text_option({"memory", "SIZE",
                            "memory that a rank may take, as 20GiB or 800MB, mapped files aside; "
                            "where not given, a rank's share of what is free on its machine",
                            execution},
                           o.memory),
      optional_text_option({"device-memory", "SIZE",
                            "memory of its device that a rank may take; where not given, a rank's "
                            "share of what is free there",
                            execution},
                           o.device_memory),
      flag_option({"overwrite", "", "replace a store that exists", Role::command}, o.overwrite),
      flag_option({"resume", "",
                   "go on with the store where it exists: finished units are kept after their "
                   "checksums have been checked",
                   Role::command},
                  o.resume),
      flag_option({"other-build", "",
                   "--resume: go on although another build of the program, or a processor that "
                   "adds in another order, has begun the store; its run_log says so",
                   Role::command},
                  o.other_build),
  };
  add_decay_options(table, o.decay);
  return table;
}

}  // namespace explaind
