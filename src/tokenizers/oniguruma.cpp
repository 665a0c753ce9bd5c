#include "tokenizers/oniguruma.hpp"

#include <dlfcn.h>

#include <string>

#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char *file = "libonig.so.5", *remedy = "Install it: apt-get install libonig5";

template <typename Pointer>
void find_in(void* library, const char* symbol, Pointer& pointer) {
  void* found = dlsym(library, symbol);
  if (found == nullptr) throw Error(file, std::string("has no ") + symbol, remedy);
  pointer = reinterpret_cast<Pointer>(found);
}

Oniguruma open_library() {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw Error("Oniguruma", dlerror(), remedy);
  Oniguruma opened;
  find_in(library, "onig_initialize", opened.initialize);
  find_in(library, "onig_new", opened.compile);
  find_in(library, "onig_free", opened.free);
  find_in(library, "onig_search", opened.search);
  find_in(library, "onig_region_new", opened.new_region);
  find_in(library, "onig_region_free", opened.free_region);
  find_in(library, "onig_error_code_to_str", opened.error_text);
  find_in(library, "OnigEncodingUTF8", opened.utf8);
  find_in(library, "OnigSyntaxOniguruma", opened.syntax);
  OnigEncoding encodings[] = {opened.utf8};
  if (opened.initialize(encodings, 1) != ONIG_NORMAL) {
    throw Error("Oniguruma", "does not start", "");
  }
  return opened;
}

}  // namespace

const Oniguruma& Oniguruma::library() {
  static const Oniguruma opened = open_library();
  return opened;
}

}  // namespace explaind
