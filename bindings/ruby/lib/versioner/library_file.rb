# frozen_string_literal: true

module Versioner
  # Where the C library is, and whether it can be used.
  module LibraryFile
    # A little-endian ELF file of 64 bits.
    MAGIC = "\x7FELF\x02\x01".b.freeze
    LOADED = 1
    private_constant :MAGIC, :LOADED

    # The libraries that a gem carries, each in a folder that has its platform's name.
    CARRIED = File.expand_path('native', __dir__)
    # The names of a library: what a gem carries, and what an installed one is called.
    NAMES = {
      'darwin' => ['libversioner.dylib', "libversioner.#{Header::ABI_VERSION}.dylib"],
      'mingw-ucrt' => ['versioner.dll', 'versioner.dll']
    }.freeze
    OTHER_NAMES = ['libversioner.so', "libversioner.so.#{Header::ABI_VERSION}"].freeze
    private_constant :CARRIED, :NAMES, :OTHER_NAMES

    # @return [String] the file or name to load
    def self.path
      named = ENV.fetch('VERSIONER_LIBRARY', '')
      return named unless named.empty?

      carried = File.join(CARRIED, Platform.name, names[0])
      File.file?(carried) ? carried : names[1]
    end

    # A file may end before what it says it holds, as after a download that broke off. The system
    # would load it, and the process would die of SIGBUS.
    #
    # @raise [LibraryError]
    def self.check_length
      return unless path.include?('/') && File.file?(path)

      File.open(path, 'rb') { |file| raise unusable('the file is cut off') if end_of_segments(file) > file.size }
    rescue SystemCallError => e
      raise unusable(e.message)
    end

    # @raise [LibraryError] for a library that this gem does not understand
    def self.check_version(abi_version, version)
      return if abi_version == Header::ABI_VERSION

      raise unusable("its ABI version is #{abi_version} (libversioner #{version}), but this gem needs " \
                     "#{Header::ABI_VERSION}")
    end

    # @param problem [String]
    # @return [LibraryError] says what to do, too
    def self.unusable(problem)
      carried = Dir.children(CARRIED).sort.join(', ') if File.directory?(CARRIED)
      carries = carried ? "carries the library for #{carried}" : 'carries no library'
      LibraryError.new("libversioner cannot be loaded from #{path}: #{problem}. This gem #{carries}, and this is " \
                       "#{Platform.name}. Install the gem of this platform if there is one, or the library (as root: " \
                       '`make install` in the repository, then `ldconfig`), or name its file in VERSIONER_LIBRARY')
    end

    def self.names
      NAMES.fetch(Platform.name.split('-', 2)[1], OTHER_NAMES)
    end
    private_class_method :names

    # @return [Integer] 0 for what is no such ELF file, which the system refuses by itself
    def self.end_of_segments(file)
      head = file.read(64)
      return 0 unless head&.start_with?(MAGIC) && head.bytesize == 64

      start = head.unpack1('@32Q<')
      size, count = head.unpack('@54S<S<')
      file.seek(start)
      table = file.read(size * count).to_s
      return start + (size * count) if table.bytesize < size * count

      ends = Array.new(count) do |index|
        type, offset, length = table[index * size, size].unpack('L<@8Q<@32Q<')
        type == LOADED ? offset + length : 0
      end
      ends.max.to_i
    end
    private_class_method :end_of_segments
  end
end
