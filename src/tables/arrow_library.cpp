#include "tables/arrow_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <filesystem>

#include "core/error.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

constexpr const char* library_file = "libexplaind_arrow.so";

/// Where the library lies beside the program, or beside the library that this is linked into: in
/// the folder of a build, of an installation, of a bundle.
fs::path library_path() {
  Dl_info here{};
  link_map* map = nullptr;
  if (dladdr1(reinterpret_cast<const void*>(&library_path), &here, reinterpret_cast<void**>(&map),
              RTLD_DL_LINKMAP) == 0) {
    return {};
  }
  // The program itself has no name there.
  const fs::path own = map->l_name[0] == '\0' ? "/proc/self/exe" : map->l_name;
  std::error_code error;
  const fs::path folder = fs::canonical(own, error).parent_path();
  for (const fs::path& place :
       {folder, folder / "explaind", folder / ".." / EXPLAIND_LIBDIR / "explaind",
        folder / ".." / "lib" / "explaind"}) {
    if (fs::exists(place / library_file)) return place / library_file;
  }
  return {};
}

const ExplaindArrow* open_library(const std::string& file, const std::string& is,
                                  const std::string& or_else) {
  const fs::path path = library_path();
  if (path.empty()) {
    throw DataError(file, is + ", and this program was built without Apache Arrow",
                    "Build it where Apache Arrow is (launch/setup.sh brings it), " + or_else);
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  void* found = library == nullptr ? nullptr : dlsym(library, "explaind_arrow_functions");
  if (found == nullptr) {
    throw DataError(file, fmt::format("{}, and Apache Arrow cannot be opened: {}", is, dlerror()),
                    "Run launch/setup.sh where the program was built, or name the folder that "
                    "holds pyarrow of that version with EXPLAIND_ARROW (launch/bundle.sh), " +
                        or_else);
  }
  return reinterpret_cast<ExplaindArrowFunctions>(found)();
}

}  // namespace

const ExplaindArrow& arrow_library(const std::string& file, const std::string& is,
                                   const std::string& or_else) {
  static const ExplaindArrow* functions = open_library(file, is, or_else);
  return *functions;
}

}  // namespace explaind
