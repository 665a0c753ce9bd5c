#pragma once
// The verbs: one file each. They return the process's exit code and throw Error.

#include "comm/communicator.hpp"
#include "config/copy_options.hpp"
#include "config/decompose_options.hpp"
#include "config/find_options.hpp"
#include "config/plan_options.hpp"
#include "config/read_options.hpp"
#include "config/record_options.hpp"
#include "config/report_options.hpp"
#include "config/study_options.hpp"
#include "config/tokenize_options.hpp"
#include "config/verify_options.hpp"

namespace explaind {

/// Writes an influence store. @collective over world
int run_decompose(const DecomposeOptions& options, const Communicator& world);

/// Prints memory, bytes, operations and time of a decomposition, measured on all ranks at once;
/// with
/// --losses F at every checkpoint. @collective over world
int run_plan(const PlanOptions& options, const Communicator& world);

/// Prints and writes the tables of a study of a recorded run. @collective over world
int run_study(const StudyOptions& options, const Communicator& world);

/// Prints the tokens of samples and the positions that functionals name.
int run_tokenize(const TokenizeOptions& options);

int run_record(const RecordOptions& options);
int run_query(const QueryOptions& options);
/// world: null but with --check, which is collective over it.
int run_inspect(const InspectOptions& options, const Communicator* world);

/// Prints and keeps whether a store holds what it must; exit code 1 where it does not. world: null
/// but with --series, for which it has one rank.
int run_verify(const VerifyOptions& options, const Communicator* world);

/// Prints what stands out in a store, with its tests.
int run_find(const FindOptions& options);

/// Writes a page of HTML that shows a store.
int run_report(const ReportOptions& options);

/// Write stores made of stores.
int run_repack(const RepackOptions& options);
int run_merge(const MergeOptions& options);

}  // namespace explaind
