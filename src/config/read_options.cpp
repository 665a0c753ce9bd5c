#include "config/read_options.hpp"

#include "config/bindings.hpp"
#include "config/silence_option.hpp"

namespace explaind {

OptionTable option_table(QueryOptions& o) {
  return {
      text_option(
          {"store", "FILE", "the influence store (also as first argument)", Role::command, true},
          o.store),
      text_option({"variable", "NAME", "psi, psi_data, value_from, residual, node_count, …"},
                  o.variable),
      list_option({"sum", "AXES",
                   "axes to add up, e.g. component,segment. Without --group-by the others stay"},
                  o.sum),
      list_option({"mean", "AXES", "axes to average, in the same way"}, o.mean),
      list_option({"group-by", "COORDS",
                   "coordinates that stay: step_from, step_to, tokens_to, phase_to, id, group, "
                   "component, layer, kind, "
                   "tensor, head, index, position, output, train_sample, train_group; of the rest "
                   "samples are averaged and all else is added, if --sum and --mean say nothing"},
                  o.group_by),
      selection_option(
          {"select", "NAME=VALUE",
           "only entries where a coordinate has a value: step=100, group=de|fr, layer=0:3, "
           "component=*.mlp.*; \\ makes | : * and , ordinary characters. Once a coordinate; "
           "several are repeated or joined by commas"},
          o.select),
      flag_option({"share-kv-heads", "",
                   "share a key-value head's score equally among the heads that query it, so that "
                   "--group-by layer,head covers keys and values too"},
                  o.share_kv_heads),
      flag_option({"error", "", "also the standard error of means over samples"}, o.error),
      integer_option({"bootstrap", "N",
                      "also a 95 % interval of means over samples, from N drawings of the samples "
                      "with replacement; 1000, say"},
                     o.bootstrap, 0),
      integer_option({"seed", "N", "of the drawings"}, o.seed, 0),
      list_option(
          {"absolute", "AXES",
           "sizes instead of signed sums: these axes are taken together after the absolute value, "
           "all others before, e.g. segment,sample"},
          o.absolute),
      selection_option({"minus", "NAME=VALUE",
                        "differences: less the same rows of these selections, which take the place "
                        "of those in --select, as --select group=de --minus group=fr"},
                       o.minus),
      text_option({"minus-store", "FILE", "differences: less the same rows of this store"},
                  o.minus_store),
      list_option({"share", "COORDS",
                   "parts of a total: of the sum of the rows that agree in these coordinates; all: "
                   "of all rows"},
                  o.share),
      flag_option({"cumulative", "", "running sums along segments"}, o.cumulative),
      text_option({"similarity", "NAME",
                   "similarity of the entries of an axis, as sample or train_sample, or of a "
                   "coordinate, as kind or step_to, by their scores over what --group-by, --sum, "
                   "--mean and --select leave of the others"},
                  o.similarity),
      word_option({"measure", "NAME", "of --similarity: cosine or correlation"}, o.measure,
                  {"cosine", "correlation"}),
      integer_option({"top", "K", "only the K largest by absolute value; 0: all"}, o.top, 0),
      integer_option({"highest", "K", "only the K largest by signed value; 0: all"}, o.highest, 0),
      integer_option({"lowest", "K",
                      "only the K smallest by signed value: of scores what lowered F most; 0: all"},
                     o.lowest, 0),
      flag_option({"whole", "", "also rows of which nothing is committed yet, as NaN"}, o.whole),
      word_option({"format", "NAME",
                   "table, csv, json, npy (an array, an axis that stays each), parquet, arrow, "
                   "netcdf or zarr"},
                  o.format, {"table", "csv", "json", "npy", "parquet", "arrow", "netcdf", "zarr"}),
      flag_option({"header", "",
                   "CSV and JSON hold what the note beside them says: a first line after #; an "
                   "object with the rows in it"},
                  o.header),
      flag_option(
          {"csv-bom", "",
           "CSV begins with a byte order mark, by which spreadsheets know that it is UTF-8"},
          o.csv_bom),
      text_option({"columns", "COORD",
                   "table: one of the coordinates that stay becomes the columns, e.g. kind"},
                  o.columns),
      optional_text_option(
          {"output", "FILE", "write there, complete or not at all; standard output if not given"},
          o.output),
      optional_text_option({"memory", "SIZE",
                            "memory that the answer may take, as 1GiB; where not given, what is "
                            "free"},
                           o.memory),
  };
}

OptionTable option_table(InspectOptions& o) {
  return {
      text_option({"path", "PATH",
                   "a series, a checkpoint, a recorded run or an influence store (also as first "
                   "argument)",
                   Role::command, true},
                  o.path),
      text_option({"phases", "LIST", "of a series, as decompose takes them: NAME=OFFSET,…"},
                  o.phases),
      text_option({"series-seed", "NAME", "of a series, as decompose takes it"}, o.series_seed),
      text_option({"step-pattern", "REGEX", "of a series, as decompose takes it"}, o.step_pattern),
      flag_option({"provenance", "", "all that a store says of its making"}, o.provenance),
      flag_option(
          {"check", "",
           "of a series: reads all weights and says what should be looked at before they are used: "
           "damaged, missing, identical and foreign files and tensors, gaps, changes. Exit code 1 "
           "where something was found. Also under mpirun",
           Role::command},
          o.check),
      silence_option(o.silence),
      flag_option(
          {"json", "",
           "--check as JSON: ok, checkpoints (step, path, verdict, findings: numbers in the list, "
           "files with sha256) and findings (kind, steps, where, text). Kinds: unreadable, "
           "missing_file, surplus_file, lfs_pointer, not_finite, identical_checkpoint, "
           "identical_file, identical_tensor, foreign_checkpoint, foreign_file, foreign_tensor, "
           "tied_copies, step_gap, dtype_change, config_change, tokenizer_change, tensor_change"},
          o.json)};
}

}  // namespace explaind
