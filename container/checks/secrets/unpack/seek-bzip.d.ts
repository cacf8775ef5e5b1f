declare module 'seek-bzip' {
  const Bunzip: {
    decode(
      input: {
        readByte(): number
        /** The number of bytes read, or -1 at the end. */
        read(buffer: Uint8Array, offset: number, count: number): number
        eof(): boolean
      },
      output: { writeByte(byte: number): void },
      multistream: boolean,
    ): void
  }
  export default Bunzip
}
