# frozen_string_literal: true

module Versioner
  # C memory that lives as long as this object.
  class Arena
    def initialize
      @memory = []
    end

    # @param name [#to_s] what an error names
    # @param text [String] as C is to have it
    # @return [FFI::MemoryPointer] a C string
    # @raise [ArgumentError] for a text that C would take for a shorter one
    def text(name, text)
      raise ArgumentError.new("#{name} holds a NUL character", argument: name.to_s) if text.include?("\0")

      keep(FFI::MemoryPointer.from_string(text))
    end

    # @param variables [Hash{String => String}]
    # @return [FFI::MemoryPointer] an array of KEY=VALUE, NULL after the last. Bytes are handed over
    #   as they are: what is no text only matters in a variable that is used.
    def environment(variables)
      texts(variables.map { |name, value| text("environment: #{name}", "#{name.b}=#{value.b}") })
    end

    # @param entries [Array<FFI::MemoryPointer>] C strings
    # @return [FFI::MemoryPointer] an array of them, NULL after the last
    def texts(entries)
      array = keep(FFI::MemoryPointer.new(:pointer, entries.size + 1))
      array.write_array_of_pointer(entries + [FFI::Pointer::NULL])
      array
    end

    # @return [FFI::MemoryPointer] an int32 of 0
    def flag
      keep(FFI::MemoryPointer.new(:int32))
    end

    # @return [FFI::MemoryPointer] room for a pointer, NULL
    def pointer
      keep(FFI::MemoryPointer.new(:pointer))
    end

    # Keeps an object alive as long as this one.
    def keep(object)
      @memory << object
      object
    end
  end
end
