#pragma once
// Texts of other lengths in an outline: arrays of characters, whose last axis is a dimension of its
// own (src/store/layout.md).

#include <cstdint>
#include <string>

#include "copies/outline.hpp"

namespace explaind {

/// Gives the texts of a dataset so many characters, along a dimension text_WIDTH of its group,
/// which is made of another one of the file where there is none. Throws DataError where the texts
/// are in another form.
void set_text_width(Outline& outline, OutlinedDataset& texts, uint64_t width,
                    const std::string& where);

/// A copy of a document under another name.
void add_document(Outline& outline, const std::string& like, const std::string& name);

/// Takes dimensions of texts out that no text has any more, and numbers all dimensions anew, as
/// netCDF wants it: `_Netcdf4Dimid`, `_Netcdf4Coordinates`. numbered: the file, for the old
/// numbers.
void number_dimensions(Outline& outline, hid_t numbered, const std::string& where);

}  // namespace explaind
