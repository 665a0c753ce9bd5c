#include "machine/build_id.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace explaind {
namespace {

/// Notes are headers, each followed by a name and a description of lengths rounded up to four.
std::string id_in_notes(const std::byte* at, size_t bytes) {
  const auto rounded = [](size_t length) { return (length + 3) / 4 * 4; };
  while (bytes >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof(note));
    const size_t name = rounded(note.n_namesz), description = rounded(note.n_descsz);
    if (sizeof(note) + name + description > bytes) return "";
    const std::byte* const text = at + sizeof(note);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(text, "GNU", 4) == 0) {
      std::string id;
      for (size_t i = 0; i < note.n_descsz; ++i) {
        id += fmt::format("{:02x}", static_cast<unsigned>(text[name + i]));
      }
      return id;
    }
    at += sizeof(note) + name + description;
    bytes -= sizeof(note) + name + description;
  }
  return "";
}

bool holds(const dl_phdr_info& object, uintptr_t address) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object.dlpi_phdr[i];
    const uintptr_t begin = object.dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_LOAD && address >= begin && address - begin < part.p_memsz) return true;
  }
  return false;
}

/// Of the object that holds this code, and no other.
int look_at_own_object(dl_phdr_info* object, size_t /*size*/, void* found) {
  if (!holds(*object, reinterpret_cast<uintptr_t>(&look_at_own_object))) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): where the loader put it.
    const auto* notes = reinterpret_cast<const std::byte*>(object->dlpi_addr + part.p_vaddr);
    std::string id = id_in_notes(notes, part.p_memsz);
    if (!id.empty()) *static_cast<std::string*>(found) = std::move(id);
  }
  return 1;
}

}  // namespace

std::string build_id() {
  std::string found;
  dl_iterate_phdr(look_at_own_object, &found);
  return found;
}

}  // namespace explaind
