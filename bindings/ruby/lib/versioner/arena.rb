# frozen_string_literal: true

module Versioner
  # C memory that lives as long as this object.
  class Arena
    def initialize
      @memory = []
    end

    # Fills a C struct, whose other members are unset.
    #
    # @param struct [FFI::Struct] zeroed, as FFI makes it
    # @param texts [Hash{Symbol => Object}] texts by member
    def fill(struct, texts)
      struct[:struct_size] = struct.size
      texts.each { |member, value| struct[member] = text(member, value) unless value.nil? }
      struct
    end

    # @param name [Symbol] what an error names
    # @param value [#to_s]
    # @return [FFI::MemoryPointer] a C string
    # @raise [::ArgumentError] for a text that C cannot be told
    def text(name, value)
      text = value.to_s
      text = text.encode(Encoding::UTF_8) unless text.encoding == Encoding::BINARY
      raise ::ArgumentError, "#{name} holds a NUL character" if text.include?("\0")

      keep(FFI::MemoryPointer.from_string(text))
    rescue EncodingError => e
      raise ::ArgumentError, "#{name} is not valid text: #{e.message}"
    end

    # @param variables [Hash{String => String}]
    # @return [FFI::MemoryPointer] an array of KEY=VALUE, NULL after the last
    def environment(variables)
      entries = variables.map { |name, value| text(:environment, "#{name}=#{value}") }
      array = keep(FFI::MemoryPointer.new(:pointer, entries.size + 1))
      array.write_array_of_pointer(entries + [FFI::Pointer::NULL])
      array
    end

    # @return [FFI::MemoryPointer] an int32 of 0
    def flag
      keep(FFI::MemoryPointer.new(:int32))
    end

    # Keeps an object alive as long as this one.
    def keep(object)
      @memory << object
      object
    end
  end
end
