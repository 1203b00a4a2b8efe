# frozen_string_literal: true

module Versioner
  # Takes text over from Ruby, if its bytes allow it.
  module Text
    # What a process that runs in the C locale gives everything it reads: a label that says nothing
    # about the bytes.
    UNLABELLED = [Encoding::UTF_8, Encoding::BINARY, Encoding::US_ASCII].freeze
    private_constant :UNLABELLED

    # @param name [#to_s] what an error names
    # @param text [String]
    # @return [String] UTF-8
    # @raise [ArgumentError] for bytes that are no text
    def self.utf8(name, text)
      return text.encode(Encoding::UTF_8) if text.valid_encoding? && !UNLABELLED.include?(text.encoding)

      bytes = text.dup.force_encoding(Encoding::UTF_8)
      return bytes if bytes.valid_encoding?

      # Not the whole text, which may be the key.
      at = bytes.each_char.take_while(&:valid_encoding?).sum(&:bytesize)
      raise ArgumentError.new(format('%<name>s is not valid UTF-8: byte %<at>d is 0x%<byte>02X',
                                     name: name, at: at + 1, byte: bytes.getbyte(at)), argument: name.to_s)
    rescue EncodingError => e
      raise ArgumentError.new("#{name} cannot be told in UTF-8: #{e.message}", argument: name.to_s)
    end
  end
end
