#pragma once
// What the program and its Arrow library say to each other: plain C, no exception passes.
//
// The library is opened when a Parquet or Arrow file is read or written, and only then: Apache
// Arrow has 60 MB, and brings copies of libraries that LibTorch has too.

#include <cstddef>
#include <cstdint>

extern "C" {

struct ExplaindArrowFile;
struct ExplaindArrowTable;

/// Forms of a file.
enum ExplaindArrowForm { explaind_parquet = 0, explaind_ipc_file = 1, explaind_ipc_stream = 2 };

/// A column of a table that is written, and what it holds in a number of rows: one of the lists.
enum ExplaindArrowType { explaind_text = 0, explaind_integer = 1, explaind_real = 2 };
struct ExplaindArrowField {
  const char* name;
  int type;
};
struct ExplaindArrowValues {
  const char* const* texts;  ///< UTF-8, ended by a NUL
  const int64_t* integers;
  const double* reals;
};
/// What a table says of itself.
struct ExplaindArrowNote {
  const char *name, *text;
};

/// Functions of the library, as explaind_arrow_functions() gives them. All that fail leave words in
/// error().
struct ExplaindArrow {
  /// Null where it fails.
  ExplaindArrowFile* (*open)(const char* path, int form);
  void (*close)(ExplaindArrowFile* file);
  /// Columns in the file's order, and the name of one.
  size_t (*columns)(const ExplaindArrowFile* file);
  const char* (*column)(const ExplaindArrowFile* file, size_t index);
  /// A column's type in Arrow's words, "list<item: int64>"; valid until the next call.
  const char* (*type)(const ExplaindArrowFile* file, size_t index);
  /// Before the first next(), and at most once: the columns that are read. Of others a row has the
  /// value true, where their type is not null.
  void (*select)(ExplaindArrowFile* file, const size_t* indices, size_t count);
  /// The next row as an object in JSON, valid until the next call. 1: there is one; 0: there was
  /// none left; -1: failed. Numbers that JSON does not have, bytes and times are texts.
  int (*next)(ExplaindArrowFile* file, const char** text, size_t* length);
  /// A new file, of one of the first two forms; null where it fails.
  ExplaindArrowTable* (*create)(const char* path, int form, const ExplaindArrowField* fields,
                                size_t count, const ExplaindArrowNote* notes, size_t note_count);
  /// Rows, as many of every column. 1: done; 0: failed.
  int (*append)(ExplaindArrowTable* table, size_t rows, const ExplaindArrowValues* columns);
  /// Ends the file, with `whole` 0 as it is, and forgets it. 1: the file is whole.
  int (*finish)(ExplaindArrowTable* table, int whole);
  const char* (*error)();
};

using ExplaindArrowFunctions = const ExplaindArrow* (*)();

}  // extern "C"
