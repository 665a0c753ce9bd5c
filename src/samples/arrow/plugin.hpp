#pragma once
// What the program and its Arrow library say to each other: plain C, no exception passes.
//
// The library is opened when a Parquet or Arrow file is named, and only then: Apache Arrow has 60
// MB, and brings copies of libraries that LibTorch has too.

#include <cstddef>

extern "C" {

struct ExplaindArrowFile;

/// Forms of a file.
enum ExplaindArrowForm { explaind_parquet = 0, explaind_ipc_file = 1, explaind_ipc_stream = 2 };

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
  const char* (*error)();
};

using ExplaindArrowFunctions = const ExplaindArrow* (*)();

}  // extern "C"
