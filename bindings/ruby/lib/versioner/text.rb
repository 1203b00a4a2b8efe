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

      text = text.dup.force_encoding(Encoding::UTF_8) unless text.encoding == Encoding::UTF_8
      raise bad_byte(name, text) unless text.valid_encoding?

      text
    rescue EncodingError => e
      raise ArgumentError.new("#{name} cannot be told in UTF-8: #{e.message}", argument: name.to_s)
    end

    # Does not show the whole text, which may be the key.
    def self.bad_byte(name, text)
      at = text.each_char.take_while(&:valid_encoding?).sum(&:bytesize)
      problem = format('%<name>s is not valid UTF-8: byte %<place>d is 0x%<byte>02X',
                       name: name, place: at + 1, byte: text.getbyte(at))
      ArgumentError.new(problem, argument: name.to_s)
    end
    private_class_method :bad_byte
  end
end
