#pragma once
// Oniguruma, opened when it is first asked for.
//
// Its library has functions called regcomp and regexec, as the C library has, of another struct.
// Were it linked, every library that calls the C library's would get them, MPI's among them.

#include <oniguruma.h>

namespace explaind {

/// What patterns need of it; functions as oniguruma.h describes them.
struct Oniguruma {
  decltype(&onig_initialize) initialize = nullptr;
  decltype(&onig_new) compile = nullptr;
  decltype(&onig_free) free = nullptr;
  decltype(&onig_search) search = nullptr;
  decltype(&onig_region_new) new_region = nullptr;
  decltype(&onig_region_free) free_region = nullptr;
  decltype(&onig_error_code_to_str) error_text = nullptr;
  OnigEncoding utf8 = nullptr;
  OnigSyntaxType* syntax = nullptr;  ///< Oniguruma's own

  /// Started, for UTF-8. Throws Error where the library is missing or lacks one of them.
  static const Oniguruma& library();
};

}  // namespace explaind
